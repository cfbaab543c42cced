import { abortable } from '../client/calls.js';
import { startCompaction } from '../client/start-compaction.js';
import { type Compaction, compaction } from '../contract/answers/compaction-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { type CompactionInput, parseCompactionInput } from '../contract/compaction-input.js';
import { atServer } from './at-server.js';
import { awaited } from './awaited.js';
import { optional } from './optional.js';
import type { CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { say } from './say.js';
import { print } from './print.js';

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
  return atServer(flags, signal, async ({ client }, left) => {
    const { handle, joined } = await abortable(client, left, () => startCompaction(client, input));
    if (joined) say('A compaction of this storage runs already. This command waits for it');
    const answer = await awaited(client, handle, left);
    const done = readAnswer(compaction, answer, handle.workflowId);
    print(flags.json ? JSON.stringify(done) : describeCompaction(done).join('\n'));
    return done.left_alone_count > 0 ? 1 : 0;
  });
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
