import { abortable, resultOf } from '../client/calls.js';
import { Interrupted } from '../client/command-failure.js';
import { startCompaction } from '../client/start-compaction.js';
import { type Compaction, compaction } from '../contract/answers/compaction-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { type CompactionInput, parseCompactionInput } from '../contract/compaction-input.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { workersPoll } from '../temporal/pollers.js';
import { openSession } from './open-session.js';
import { type CommonFlags, chunkWorkerCount, optional, storageOf } from './options.js';
import { ownWorkers } from './own-workers.js';
import { tellStuck } from './tell-stuck.js';
import { say } from './say.js';

export interface CompactionFlags extends CommonFlags {
  epochEndingFileCompactFactor?: string;
  stateSnapshotFileCompactFactor?: string;
  transactionFileCompactFactor?: string;
  removeCompactedFileAfter?: string;
  dryRun?: boolean;
}

/** `backup-maintenance compact`. Returns the exit code: 1 when something was left alone that should not be there. */
export async function runCompact(flags: CompactionFlags, signal: AbortSignal): Promise<number> {
  const input = compactionInput(flags);
  parseCompactionInput(input); // report a mistake before anything starts
  const chunkWorkers = chunkWorkerCount();
  const data = dataFolder(flags.dataDir);
  const session = await openSession(flags, signal);
  const { client, connection, embedded, namespace } = session;
  const worker = ownWorkers(session, { data, chunkWorkers, say });
  let stop = () => {};
  try {
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const { handle, joined } = await abortable(client, signal, () =>
      startCompaction(client, input),
    );
    if (joined) say('A compaction of this storage runs already. This command waits for it');
    stop = tellStuck(client, handle.workflowId, say);
    const answer = await resultOf(client, handle, signal);
    const done = readAnswer(compaction, answer, handle.workflowId);
    console.log(flags.json ? JSON.stringify(done) : describeCompaction(done).join('\n'));
    return done.left_alone_count > 0 ? 1 : 0;
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted; run the same command again to go on');
    throw error;
  } finally {
    stop();
    await worker?.stop();
    await session.close();
  }
}

/** The input of a compaction. @throws UsageError, InputError */
export function compactionInput(flags: CompactionFlags): CompactionInput {
  return {
    storage: storageOf(flags),
    ...optional('epoch_ending_file_compact_factor', flags.epochEndingFileCompactFactor),
    ...optional('state_snapshot_file_compact_factor', flags.stateSnapshotFileCompactFactor),
    ...optional('transaction_file_compact_factor', flags.transactionFileCompactFactor),
    ...optional('remove_compacted_file_after', flags.removeCompactedFileAfter),
    ...(flags.dryRun ? { dry_run: true } : {}),
  };
}

function describeCompaction(done: Compaction): string[] {
  const { dry_run: dry, left_alone: leftAlone, left_alone_count: count } = done;
  const would = dry ? 'would be ' : '';
  return [
    `${dry ? 'Dry run, nothing was changed' : 'Compacted'}: metadata of ${done.storage}`,
    `  files       ${done.files_before} before, ${done.files_after} after`,
    `  together    ${done.written} files ${would}written, ${done.kept} there already`,
    `  replaced    ${done.moved} ${would}moved into metadata_backup, ${done.waiting} stay for now`,
    ...leftAlone.map(({ object, why }) => `  LEFT ALONE  ${object}: ${why}`),
    ...(count > leftAlone.length ? [`  and ${count - leftAlone.length} more left alone`] : []),
  ];
}
