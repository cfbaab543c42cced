import type { TextSpan } from './coordinator-state.js';
import type { Span } from '../lib/spans.js';

/** What surveys list of a storage. It is bounded, because it travels in payloads. */

const MOST_RUNS = 200;
const MOST_SNAPSHOTS = 100;

/** The lowest runs, because the next hole is there. Only a badly damaged storage has more of them. */
export function textsOfRuns(runs: readonly Span[]): TextSpan[] {
  return runs
    .slice(0, MOST_RUNS)
    .map(({ first, last }) => ({ first: `${first}`, last: `${last}` }));
}

/** Whether `textsOfRuns` tells all of them. */
export function areAllTold(runs: readonly Span[]): boolean {
  return runs.length <= MOST_RUNS;
}

/** The epochs of snapshots, newest first: the newest hundred, and epoch 0. */
export function newestAndGenesis(epochs: readonly bigint[]): string[] {
  const descending = [...new Set(epochs)].sort((a, b) => (a > b ? -1 : 1));
  const newest = descending.slice(0, MOST_SNAPSHOTS);
  if (descending.length > MOST_SNAPSHOTS && descending.at(-1) === 0n) newest.push(0n);
  return newest.map(String);
}
