/** A run of epochs or versions; both ends inclusive. */
export interface Span {
  first: bigint;
  last: bigint;
}

/** Whether two spans have anything in common. */
export function meet(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The runs that a pile of spans makes up together: sorted, apart, none touching the next. */
export function unionOf(spans: Iterable<Span>): Span[] {
  const sorted = [...spans].sort((a, b) => (a.first < b.first ? -1 : 1));
  const runs: Span[] = [];
  for (const { first, last } of sorted) {
    const before = runs.at(-1);
    if (before && first <= before.last + 1n) {
      if (last > before.last) before.last = last;
    } else {
      runs.push({ first, last });
    }
  }
  return runs;
}

/** What `runs` (sorted by their first, as `unionOf` gives them) leave out of 0 to `last`. */
export function holesUpTo(runs: readonly Span[], last: bigint): Span[] {
  const holes: Span[] = [];
  let next = 0n;
  for (const run of runs) {
    if (run.first > last) break;
    if (run.first > next) holes.push({ first: next, last: run.first - 1n });
    if (run.last >= next) next = run.last + 1n;
  }
  if (next <= last) holes.push({ first: next, last });
  return holes;
}
