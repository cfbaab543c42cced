import type { GcAnswer, PruneAnswer } from '../contract/answers/retention-answers.js';
import { bytes } from '../monitor/format.js';
import { describeRestorable } from '../monitor/describe-restorable.js';

const MOST_SHOWN = 20;
const KINDS = {
  state_snapshot: 'state snapshot',
  epoch_ending: 'epoch endings',
  transaction: 'transactions',
};

/** What a prune retires, or would, for people. */
export function describePrune(answer: PruneAnswer): string[] {
  const { done, retired, retired_count: count, kept_snapshots: kept, pinned } = answer;
  const [lost, ...others] = answer.would_lose;
  return [
    `${done ? 'Retired' : 'Would retire'} ${count} backups, ${bytes(answer.retired_bytes)}: ${answer.storage}`,
    ...retired.slice(0, MOST_SHOWN).map(({ kind, backup, first, last, at, bytes: size }) => {
      const range = first === last ? first : `${first} to ${last}`;
      return `  ${KINDS[kind]} ${range}  ${backup}${size === undefined ? '' : `  ${bytes(size)}`}${at === undefined ? '' : `  of ${at}`}`;
    }),
    ...rest(count - Math.min(retired.length, MOST_SHOWN)),
    ...(kept.length > 0 ? [`Kept: ${answer.kept_snapshots_count} state snapshots`] : []),
    ...kept.slice(0, MOST_SHOWN).map(({ epoch, backup, at, why }) => {
      return `  epoch ${epoch}  ${backup}${at === undefined ? '' : `  of ${at}`}  (${why.join(', ')})`;
    }),
    ...rest(answer.kept_snapshots_count - Math.min(kept.length, MOST_SHOWN)),
    ...(pinned.length > 0 ? [`Kept because they are pinned: ${pinned.join(', ')}`] : []),
    ...(lost
      ? [
          `Not restorable any more: versions ${lost.first} to ${lost.last}${others.length > 0 ? ` and ${others.length} more runs` : ''}`,
        ]
      : []),
    ...(answer.denied
      ? ['The storage does not let us delete: the metadata of what was to go stays.']
      : []),
    `Restorable now         ${describeRestorable(answer.restorable_before)}`,
    `Restorable afterwards  ${describeRestorable(answer.restorable_after)}`,
    answer.data_stays ??
      `Data stays until ${answer.data_from ?? ''}; then "repository gc" removes it`,
  ];
}

/** What a gc removed, or would, for people. */
export function describeGc(answer: GcAnswer): string[] {
  const { done, removed, removed_count: count, left, left_count: stays } = answer;
  return [
    `${done ? 'Removed' : 'Would remove'} ${count} folders, ${bytes(answer.removed_bytes)}: ${answer.storage}`,
    ...removed.slice(0, MOST_SHOWN).map(({ folder, why }) => `  ${folder}: ${why}`),
    ...rest(count - Math.min(removed.length, MOST_SHOWN)),
    ...(answer.denied ? ['The storage does not let us delete: what was to go stays there.'] : []),
    ...(answer.blocked === undefined ? [] : [`No folder was removed: ${answer.blocked}`]),
    `Retired, and their grace is not over: ${answer.waiting}, ${bytes(answer.waiting_bytes)}`,
    `Unfinished files: ${answer.unfinished_removed} removed, ${answer.unfinished_left} may still be written`,
    ...(stays > 0 ? [`Not named by metadata, and left alone: ${stays}`] : []),
    ...left.slice(0, MOST_SHOWN).map(({ folder, why }) => `  ${folder}: ${why}`),
    ...rest(stays - Math.min(left.length, MOST_SHOWN)),
  ];
}

export function describePin({
  folder,
  note,
  at,
}: {
  folder: string;
  note?: string;
  at?: number;
}): string {
  const since = at === undefined ? '' : `  since ${new Date(at).toISOString()}`;
  return `${folder}${since}${note === undefined ? '' : `  ${note}`}`;
}

function rest(more: number): string[] {
  return more > 0 ? [`  and ${more} more`] : [];
}
