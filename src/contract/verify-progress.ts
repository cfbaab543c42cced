import { timesOf } from './verified.js';
import type { VerifyTotals } from './verify-totals.js';
import type { Coverage, VerifyProgress, VerifyStatus } from './answers/verify-answers.js';

/** Name of the memo with the progress of a verification. Lists of workflows show it. */
export const VERIFY_PROGRESS = 'verified';

const FIELDS = [
  'epoch',
  'epoch_version',
  'version',
  'snapshot_version',
  'items',
  'of_items',
  'read_backups',
  'of_backups',
  'read_since',
  'whole_at',
  'rotated_at',
  'left_backups',
  'left_bytes',
] as const satisfies readonly (keyof VerifyProgress)[];

/** The answer of a verification's query `status`. */
export function verifyStatusOf(
  totals: VerifyTotals,
  tasks: number,
  work: { done: number; total?: number },
): VerifyStatus {
  const { records, bytes, objects, skipped, findings, findingCount } = totals;
  return {
    ...{ tasks, records, bytes, objects },
    proven_before: skipped,
    finding_count: findingCount,
    findings,
    progress: progressOf(totals),
    records_done: work.done,
    ...(work.total === undefined ? {} : { records_total: work.total }),
  };
}

export function progressOf({
  epochs,
  epochsEndAt,
  pieces,
  snapshots,
}: VerifyTotals): VerifyProgress {
  const snapshot = snapshots.at(-1);
  return known({
    epoch: epochs.at(-1)?.last,
    epoch_version: epochsEndAt,
    version: pieces.at(-1)?.last,
    snapshot_version: snapshot?.version,
    items: snapshot?.items,
    of_items: snapshot?.ofItems,
  });
}

/** The progress at the end of a verification. */
export function progressAtEnd(
  coverage: Pick<Coverage, 'read_so_far' | 'stopped' | 'ok' | 'complete'>,
  now: number,
): VerifyProgress {
  const { read_so_far: read, stopped } = coverage;
  const { whole, rotated } = timesOf(coverage, now);
  return {
    whole_at: whole?.toString(),
    rotated_at: rotated?.toString(),
    read_backups: `${read.backups}`,
    of_backups: `${read.of_backups}`,
    read_since: read.since === undefined ? undefined : `${Date.parse(read.since)}`,
    left_backups: stopped?.backups.toString(),
    left_bytes: stopped?.bytes.toString(),
  };
}

/** Reads a memo. Anything else than progress becomes an empty progress. */
export function readProgress(memo: unknown): VerifyProgress {
  return typeof memo === 'object' && memo !== null ? known(memo) : {};
}

function known(fields: Partial<Record<keyof VerifyProgress, unknown>>): VerifyProgress {
  const progress: VerifyProgress = {};
  for (const name of FIELDS) {
    const value = fields[name];
    if (typeof value === 'string' && /^\d{1,20}$/.test(value)) progress[name] = value;
  }
  return progress;
}
