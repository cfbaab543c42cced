/**
 * Only the activities of dead workers are failed, not those of workers of another installation or
 * container.
 */
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../src/lib/host/process-info.js';
import { reportDeath, reportLeftBehind } from '../../src/supervisor/worker-death.js';
import { superviseWorker } from '../../src/supervisor/worker-process.js';
import { devnode, storageFolder } from '../support/backup.js';
import { startPaused, untilPlanned } from '../support/paused.js';
import { pendingActivities } from '../support/pending.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

const LANES = 4;

/** The program in another folder, as after an upgrade. */
function installElsewhere(): string {
  const folder = temporaryFolder('elsewhere');
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const part of ['dist', 'package.json']) {
    cpSync(part, join(folder, part), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'dist', 'worker.js');
}

it('activities of living workers are left to them, wherever their program is and whoever shares their process id', async () => {
  const node = await devnode({ transactions: 800 });
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const { client, workerEnv } = session;
  mkdirSync(join(session.dataFolder, 'logs'));
  const script = installElsewhere();
  const [, chunks] = ['workflows', 'chunks'].map((role) => {
    const worker = superviseWorker({
      env: { ...workerEnv, APTOS_BACKUP_ROLE: role },
      say: () => undefined,
      logFile: join(session.dataFolder, 'logs', `${role}.log`),
      script,
    });
    onTestFinished(() => worker.kill());
    return worker;
  });
  const input = {
    ...{ node: node.address, storage: { local_fs_dir: storageFolder() } },
    ...{ start_version: 0, num_transactions: 800, max_chunk_size: 20_000 },
  };
  const handle = await startPaused(client, 'in other hands', input);
  await untilPlanned(handle);
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 400 });
  await handle.executeUpdate('resume');
  const ranges = () => pendingActivities(client, handle.workflowId);
  const inHand = async () =>
    (await ranges()).filter(({ started, beating }) => started && beating).length === LANES;
  await until('all ranges are on their way', inHand);

  const said: string[] = [];
  const reporter = { env: workerEnv, say: (line: string) => said.push(line) };
  const pid = chunks!.pid!;
  const namesake = { name: 'Chunk worker', pid, identity: `${pid}@${hostname()}-00000000` };
  await Promise.all([
    reportLeftBehind(reporter),
    reportDeath({ ...namesake, how: 'was killed by SIGKILL', inFlight: [] }, reporter),
  ]);
  expect(said.filter((line) => line.includes('could not'))).toEqual([]);
  const untouched = { attempt: 1, failure: undefined };
  expect(await ranges()).toMatchObject(Array.from({ length: LANES }, () => untouched));

  chunks!.kill();
  await until('it is dead', () => !isAlive(pid));
  await reportLeftBehind(reporter);
  const message = `worker process ${pid} on ${hostname()} died with its supervisor`;
  const failed = { failure: { type: 'WORKER_DIED', message } };
  expect(await ranges()).toMatchObject(Array.from({ length: LANES }, () => failed));
});
