// The apart worker runs only while it may be needed.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type WorkerRole, superviseWorkers } from '../../src/supervisor/worker-group.js';
import { programOf } from '../support/program-of.js';
import { temporaryFolder, until } from '../temporal/helpers.js';

const STAND_IN = programOf(new URL('stand-in-worker.ts', import.meta.url));

function group(apartIdleMs: number, env: NodeJS.ProcessEnv = {}) {
  const folder = temporaryFolder();
  const marker = join(folder, 'marker');
  const workers = superviseWorkers({
    env: { ...process.env, ...env, MARKER: marker },
    say: () => undefined,
    logFile: join(folder, 'worker.log'),
    script: STAND_IN,
    apartIdleMs,
  });
  onTestFinished(() => workers.stop());
  const roles = () => workers.states().map(({ role }) => role);
  const runs = (role: WorkerRole) => until(`${role} runs`, () => workers.pid(role) !== undefined);
  return { workers, roles, runs, marker, waits: `${marker}-waits` };
}

test('the apart worker starts when something waits for it, and ends when it is idle', async () => {
  const { roles, runs, waits } = group(1_000);
  await runs('workflows');
  await runs('chunks');
  expect(roles()).toEqual(['workflows', 'chunks']);
  writeFileSync(waits, '');
  await runs('apart');
  rmSync(waits);
  await until('it has ended', () => !roles().includes('apart'));
  expect(roles()).toEqual(['workflows', 'chunks']);
  writeFileSync(waits, '');
  await runs('apart');
});

test('an apart worker that takes long to end is ended once, and no other worker goes', async () => {
  // While it ends, it is looked at some times.
  const { workers, roles, runs, marker, waits } = group(200, { ENDS_AFTER_MS: '1000' });
  await runs('workflows');
  await runs('chunks');
  writeFileSync(waits, '');
  const says = (what: string) =>
    existsSync(`${marker}-apart`) &&
    readFileSync(`${marker}-apart`, 'utf8') === `${workers.pid('apart')} ${what}`;
  await until('the apart worker runs', () => says('runs'));
  const pid = workers.pid('apart')!;
  rmSync(waits);
  await until('the supervisor knows it no more', () => !roles().includes('apart'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(roles()).toEqual(['workflows', 'chunks']);
});

test('the apart worker starts when a chunk worker has died', async () => {
  const { workers, runs } = group(600_000);
  await runs('chunks');
  process.kill(workers.pid('chunks')!, 'SIGKILL');
  await runs('apart');
});
