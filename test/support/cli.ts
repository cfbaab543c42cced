import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { builtProgram } from '../../src/lib/host/built.js';
import { textOfLine } from '../../src/lib/host/log.js';
import { withoutServer } from '../../src/temporal-server/without-server.js';
import { FEW_THREADS } from './few-threads.js';
import { temporaryFolder } from './temporary-folder.js';
import { until } from './until.js';

/** A command as an operator types it, with the embedded Temporal server unless `env` names another. */
export async function runCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [fileURLToPath(builtProgram('cli.js')), ...args], {
    env: { ...plainEnvironment(), ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (c) => resolve(c ?? -1)));
  return { code, out, err };
}

/**
 * A command that goes on until it is stopped as by Ctrl-C. `lines` are without time and level, `raw` as printed.
 * `installed`: the program in place of that of the build.
 */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}, installed?: string) {
  const lines: string[] = [];
  const raw: string[] = [];
  const built = () => [process.execPath, fileURLToPath(builtProgram('cli.js'))];
  const [program, ...first] = installed === undefined ? built() : [installed];
  const child = spawn(program!, [...first, ...args], {
    env: { ...plainEnvironment(), ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      raw.push(line);
      lines.push(textOfLine(line));
    });
  }
  const ended = new Promise<number>((resolve) =>
    child.once('close', (code) => resolve(code ?? -1)),
  );
  return {
    lines,
    raw,
    child,
    ended,
    says: (what: RegExp, timeoutMs = 90_000) =>
      until(`${what}`, () => lines.some((line) => what.test(line)), timeoutMs),
    async stop(): Promise<number> {
      child.kill('SIGINT');
      return ended;
    },
  };
}

/** The environment without settings of a Temporal server or of aptos-backup. Nothing stays in the home folder. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(withoutServer(process.env)).filter(
    ([name]) => !name.startsWith('APTOS_'),
  );
  const own = { APTOS_BACKUP_DATA_DIR: join(tmpdir(), 'data-of-commands'), ...FEW_THREADS };
  return { ...Object.fromEntries(kept), ...own };
}

/** A data folder that is removed at the end of the test. */
export function dataFolder(): string {
  const folder = temporaryFolder('data');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
