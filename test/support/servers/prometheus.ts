import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/lib/host/run.js';
import type { ServerProgram } from './install.js';

const DOWNLOAD_MS = 300_000;

/** The tool of Prometheus, which checks rules and tries them. */
export const PROMTOOL: ServerProgram = fromDebian('promtool', 'PROMTOOL_PATH');

/** A program of Debian's package `prometheus`, which is unpacked and not installed: that needs no root. */
function fromDebian(name: string, variable: string): ServerProgram {
  return {
    ...{ name, variable, version: 'debian', asks: ['--version'] },
    async fetch(into) {
      await download(into).catch(async () => {
        // A fresh machine may know no packages yet.
        await run('apt-get', ['update'], { timeoutMs: DOWNLOAD_MS });
        await download(into);
      });
      const archive = readdirSync(into).find((file) => file.endsWith('.deb'));
      await run('dpkg', ['-x', join(into, archive!), into], { timeoutMs: DOWNLOAD_MS });
      return join(into, 'usr', 'bin', name);
    },
  };
}

/** `apt-get download` has no flag for the folder. */
async function download(into: string): Promise<void> {
  await run('sh', ['-c', 'cd "$0" && apt-get download prometheus', into], {
    timeoutMs: DOWNLOAD_MS,
  });
}
