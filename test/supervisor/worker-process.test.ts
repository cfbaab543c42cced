// A supervised worker: started again when it dies, asked to stop before it is killed, and gone
// when its supervisor is.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive } from '../../src/lib/host/process-info.js';
import { type SupervisedWorker, superviseWorker } from '../../src/supervisor/worker-process.js';
import { programOf } from '../support/program-of.js';
import { temporaryFolder, until } from '../temporal/helpers.js';

const STAND_IN = programOf(new URL('stand-in-worker.ts', import.meta.url));

function supervise(
  folder: string,
  said: string[] = [],
  script = STAND_IN,
  env: NodeJS.ProcessEnv = {},
): SupervisedWorker {
  const worker = superviseWorker({
    env: { ...process.env, ...env, MARKER: join(folder, 'marker') },
    say: (line) => said.push(line),
    logFile: join(folder, 'logs', 'worker.log'),
    script,
  });
  onTestFinished(() => worker.kill());
  return worker;
}

function markerPid(folder: string): number {
  const path = join(folder, 'marker');
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) : 0;
}

test('a worker that is killed with -9 is started again, and the supervisor says why', async () => {
  const folder = temporaryFolder();
  const said: string[] = [];
  const worker = supervise(folder, said);
  await until('it runs', () => markerPid(folder) === worker.pid);
  const first = worker.pid!;
  process.kill(first, 'SIGKILL');
  await until('another one runs', () => markerPid(folder) !== first);
  expect(said).toEqual([
    `The worker is started: process ${first}`,
    'The worker was killed by SIGKILL; starting it again in 0.5 s',
    `The worker is started: process ${worker.pid}`,
  ]);
  await worker.stop();
});

test('a stopped worker may end by itself, and nothing starts it again', async () => {
  const folder = temporaryFolder();
  const said: string[] = [];
  const worker = supervise(folder, said);
  await until('it runs', () => markerPid(folder) === worker.pid);
  await worker.stop();
  expect(readFileSync(join(folder, 'marker'), 'utf8')).toMatch(/ stopped by SIGTERM$/);
  expect(worker.pid).toBeUndefined();
  expect(said).toHaveLength(1); // that it was started
});

test('a worker that cannot run is started again after ever longer waits, and its last line is quoted', async () => {
  const folder = temporaryFolder();
  const said: string[] = [];
  const script = join(folder, 'broken.js');
  writeFileSync(script, 'console.error("no such module"); process.exit(3);');
  const worker = supervise(folder, said, script);
  const ends = () => said.filter((line) => line.includes('ended'));
  await until('two tries', () => ends().length >= 2);
  expect(ends()[0]).toMatch(
    /ended with code 3 \(no such module; log: .*\); starting it again in 0\.5 s$/,
  );
  expect(ends()[1]).toMatch(/starting it again in 1 s$/);
  await worker.stop();
});

test('a worker that works is started again soon, however often it is killed', async () => {
  const folder = temporaryFolder();
  const said: string[] = [];
  const worker = supervise(folder, said, STAND_IN, { CONNECTS: '1' });
  const deaths = () => said.filter((line) => line.includes('was killed'));
  for (let killed = 1; killed <= 5; killed += 1) {
    await until('it works', () => worker.state().connected && markerPid(folder) === worker.pid);
    process.kill(worker.pid!, 'SIGKILL');
    await until('its death is noticed', () => deaths().length === killed);
  }
  expect(deaths().map((line) => line.split(' ').slice(-2).join(' '))).toEqual(
    [0.5, 1, 2, 2, 2].map((seconds) => `${seconds} s`),
  );
  await worker.stop();
});

/** A process that supervises a worker, to be killed. */
function supervisorOf(folder: string, script: string) {
  const supervisor = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('supervisor.ts', import.meta.url)), script],
    { env: { ...process.env, MARKER: join(folder, 'marker') }, stdio: 'inherit' },
  );
  onTestFinished(() => void supervisor.kill('SIGKILL'));
  return supervisor;
}

test('when the supervisor is killed while the worker is being loaded, the worker ends', async () => {
  const folder = temporaryFolder();
  const script = join(folder, 'slow.mjs');
  const module = programOf(new URL('../../src/supervisor/supervised.ts', import.meta.url));
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
    writeFileSync(process.env.MARKER, process.pid + ' loads');
    while (process.connected) await new Promise((go) => setTimeout(go, 20));
    const { stopWithParent } = await import('${module}');
    process.once('SIGTERM', () => {
      writeFileSync(process.env.MARKER, process.pid + ' stopped by SIGTERM');
      process.exit(0);
    });
    stopWithParent();
    setInterval(() => {}, 1_000);`,
  );
  const supervisor = supervisorOf(folder, script);
  await until('the worker loads', () => markerPid(folder) > 0);
  const pid = markerPid(folder);
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
  supervisor.kill('SIGKILL');
  await until('the worker has ended', () => !isAlive(pid));
  expect(readFileSync(join(folder, 'marker'), 'utf8')).toBe(`${pid} stopped by SIGTERM`);
});

test('when the supervisor is killed with -9, the worker stops', async () => {
  const folder = temporaryFolder();
  const supervisor = supervisorOf(folder, STAND_IN);
  await until('the worker runs', () => markerPid(folder) > 0);
  const pid = markerPid(folder);
  expect(isAlive(pid)).toBe(true);
  supervisor.kill('SIGKILL');
  await until('the worker has stopped', () =>
    readFileSync(join(folder, 'marker'), 'utf8').endsWith('stopped by SIGTERM'),
  );
});
