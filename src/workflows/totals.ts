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

/** Renders progress as Markdown for the Temporal UI's Current Details. */
export function totalsTable(done: Totals, ranges: number, failed: FailedRange[]): string {
  const megabytes = (done.bytes / 1e6).toFixed(1);
  const lines = [
    '| ranges | records | chunks | MB | reused |',
    '|---|---|---|---|---|',
    `| ${done.ranges} of ${ranges} | ${done.records} | ${done.chunks} | ${megabytes} | ${done.reused} |`,
    ...failed.map(({ range, reason }) => `\n**failed** ${range}: ${escapeMarkdown(reason)}`),
  ];
  return lines.join('\n');
}

/** Escapes Markdown and HTML, because reasons quote what nodes and files said and the UI renders both. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[<>&|*_`[\]]/g, (c) => `&#${c.charCodeAt(0)};`);
}
