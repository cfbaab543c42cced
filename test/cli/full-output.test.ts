/** A command whose result finds no room where it is written has not succeeded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { builtProgram } from '../../src/lib/host/built.js';
import { plainEnvironment } from '../support/cli.js';

it.skipIf(!existsSync('/dev/full'))('a result that finds no room is no success', async () => {
  const program = fileURLToPath(builtProgram('cli.js'));
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [program, 'config', 'example'], {
    env: plainEnvironment(),
    stdio: ['ignore', full, 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  closeSync(full);
  let err = '';
  child.stderr?.on('data', (part: Buffer) => (err += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(err).toBe('aptos-backup: not all of the result could be written (ENOSPC)\n');
});
