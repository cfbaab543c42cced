import { type BackupInput, startBackup } from '../client/start-backup.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { parseInput } from '../contract/backup-input.js';
import type { BackupType } from '../contract/job.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { workersPoll } from '../temporal/pollers.js';
import { describeResult } from '../monitor/format.js';
import { openSession } from './open-session.js';
import { type CommonFlags, chunkWorkerCount } from './options.js';
import { ownWorkers } from './own-workers.js';
import { watchBackup } from './watch.js';
import { say } from './say.js';

/**
 * Runs one backup and prints its result. If the environment names a Temporal server, the command is a
 * client of it. Otherwise it starts the server of the data folder and a worker. After a kill, the same
 * command goes on where it stopped.
 */
export async function runOneoff(
  type: BackupType,
  input: BackupInput,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<void> {
  parseInput(type, input); // report a mistake before anything starts
  const chunkWorkers = chunkWorkerCount();
  const data = dataFolder(flags.dataDir);
  const session = await openSession(flags, signal);
  const { client, connection, embedded, namespace, uiUrl } = session;
  const worker = ownWorkers(session, { data, chunkWorkers, say });
  try {
    if (uiUrl !== undefined) say(`Temporal UI: ${uiUrl}`);
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const handle = await startBackup(client, type, input);
    const advice = embedded ? undefined : 'the backup goes on at the server';
    const result = await watchBackup(client, handle, signal, advice);
    console.log(flags.json ? JSON.stringify(result) : describeResult(result));
  } finally {
    await worker?.stop();
    await session.close();
  }
}
