import { detailsList, escapeMarkdown, megabytes } from './details.js';
import { withLies } from '../contract/lies.js';
import type { RangeResult } from '../contract/unit.js';
import type { FailedRange, Totals } from '../contract/answers/backup-answers.js';

export function noTotals(): Totals {
  return { ranges: 0, records: '0', chunks: 0, bytes: 0, reused: 0 };
}

export function addRange(totals: Totals, range: RangeResult): void {
  addTotals(totals, { ranges: 1, ...range, records: `${range.records}` });
}

export function addTotals(totals: Totals, more: Totals): void {
  totals.ranges += more.ranges;
  totals.records = `${BigInt(totals.records) + BigInt(more.records)}`;
  totals.chunks += more.chunks;
  totals.bytes += more.bytes;
  totals.reused += more.reused;
  Object.assign(totals, withLies(totals.lies, more.lies));
}

/** Progress for the Temporal UI's Current Details. */
export function describeTotals(done: Totals, ranges: number, failed: FailedRange[]): string {
  return [
    detailsList(
      ['ranges', `${done.ranges} of ${ranges}`],
      ['records', done.records],
      ['chunks', done.chunks],
      ['read', megabytes(done.bytes)],
      ['found stored', done.reused],
    ),
    ...failed.map(({ range, reason }) => `**failed** ${range}: ${escapeMarkdown(reason)}`),
  ].join('\n\n');
}
