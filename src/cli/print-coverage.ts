import { AGAIN_REASONS, type AgainReason } from '../contract/verify-again.js';
import { bytes, duration } from '../monitor/format.js';
import { describeRestorable } from '../monitor/describe-restorable.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

const MOST_SHOWN = 10;
const WHY_AGAIN: Record<AgainReason, string> = {
  inodes:
    'have new inode numbers but are otherwise unchanged: this storage gives files new numbers, so they are read each time',
  changed: 'changed since they were proven',
  trust: 'were proven under other trusted waypoints or another metadata line',
  bad: 'were damaged or unproven when they were last read',
  unwritable:
    'are proven, but no record of the proof can be written beside them, so they are read each time',
};

/** Renders the coverage statement for people. */
export function describeCoverage(coverage: Coverage): string[] {
  const { checked, missing, restorable_by_stock: stock, findings } = coverage;
  const genesis = coverage.genesis
    ? `genesis ${coverage.genesis}${coverage.genesis_confirmed ? '' : ', which no trusted waypoint confirms (see --trust-waypoint)'}`
    : 'genesis is not stored';
  const snapshots = coverage.state_snapshots.map((s) => `epoch ${s.epoch} (${s.proven})`);
  const gone = missing.state_snapshots.map(({ epoch }) => `epoch ${epoch}`);
  const lacks = [
    `epoch endings ${runs(missing.epoch_endings)}`,
    `transactions ${runs(missing.transactions)}`,
    ...(gone.length > 0 ? [`state snapshots ${newest(gone, gone.length)}`] : []),
  ];
  const again = AGAIN_REASONS.flatMap((reason) => {
    const count = checked.read_again[reason];
    return count === undefined ? [] : [`  not skipped      ${count} objects ${WHY_AGAIN[reason]}`];
  });
  return [
    headline(coverage),
    ...stoppedBy(coverage),
    `  as of            ${coverage.as_of}`,
    `  chain            ${genesis}`,
    `  epoch endings    ${runs(coverage.epoch_endings)}`,
    `  transactions     ${runs(coverage.transactions, coverage.transactions_count)}`,
    `  state snapshots  ${newest(snapshots, coverage.state_snapshots_count)}`,
    `  missing          ${lacks.join('; ')}`,
    `  restorable       ${describeRestorable(stock)}`,
    `  read             ${checked.records} records, ${bytes(checked.bytes)} in ${checked.objects} objects; ${checked.proven_before} objects proven before and unchanged`,
    ...again,
    ...soFar(coverage),
    ...(coverage.orphan_count > 0
      ? [`  not referred to  ${coverage.orphan_count}: ${coverage.orphans.slice(0, 5).join(', ')}`]
      : []),
    ...findings.map(({ object, code, why }) => `  ${code} ${object}: ${why}`),
  ];
}

/** What is proven may still be too little to restore from: then nobody may take it for a backup of the chain. */
function headline({ ok, storage, complete, restorable_by_stock: stock }: Coverage): string {
  const what = `${ok ? 'Verified' : 'NOT VERIFIED'}: ${storage}${complete ? '' : ', in part'}`;
  return ok && !stock.yes ? `${what}, but nothing can be restored from it yet` : what;
}

function runs(
  spans: { first: string; last: string; proven?: string }[],
  count: number = spans.length,
): string {
  const texts = spans.map((s) => `${s.first} to ${s.last}${s.proven ? ` (${s.proven})` : ''}`);
  return newest(texts, count);
}

/** The last items of a list that may be very long. */
function newest(list: readonly string[], count: number): string {
  const shown = list.slice(-MOST_SHOWN);
  const more = count - shown.length;
  return `${more > 0 ? `${more} more, then ` : ''}${shown.join(', ') || 'none'}`;
}

function stoppedBy({ stopped }: Coverage): string[] {
  if (!stopped) return [];
  const { by, backups, bytes: left, seconds } = stopped;
  const time = seconds === undefined ? '' : `, about ${duration(seconds)} at the rate of this run`;
  return [
    `  stopped          by --budget-${by}: ${backups} backups, ${bytes(left)} are left${time}; run it again to go on there`,
  ];
}

/**
 * Empty for a storage that keeps no track of it: a command adapter lists no files beside its metadata. Also without
 * transactions and snapshots: epoch endings are read each time.
 */
function soFar({ read_so_far: read, checked }: Coverage): string[] {
  const { backups, of_backups: all, bytes: done, of_bytes: size, since } = read;
  if (size === 0) return [];
  const unwritable = checked.read_again.unwritable !== undefined;
  if (unwritable && backups === 0) {
    return ['  read so far      not known: this storage takes no notes of what was read'];
  }
  const from = since === undefined ? '' : `, the oldest at ${since}`;
  const part = unwritable ? '; what was read now could not all be noted' : '';
  return [
    `  read so far      ${backups} of ${all} backups, ${bytes(done)} of ${bytes(size)}${from}${part}`,
  ];
}
