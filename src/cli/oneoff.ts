import { type BackupInput, startBackup } from '../client/start-backup.js';
import { parseInput } from '../contract/backup-input.js';
import type { BackupType } from '../contract/job.js';
import { describeResult } from '../monitor/format.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { atServer } from './at-server.js';
import { type CommonFlags } from './options.js';
import { watchBackup } from './watch.js';
import { say } from './say.js';
import { print } from './print.js';

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
  const work = async ({ client, uiUrl }: TemporalSession, left: AbortSignal) => {
    if (uiUrl !== undefined) say(`Temporal UI: ${uiUrl}`);
    const handle = await startBackup(client, type, input);
    const result = await watchBackup(client, handle, left);
    print(flags.json ? JSON.stringify(result) : describeResult(result));
  };
  await atServer(flags, signal, work, 'the backup goes on at the server');
}
