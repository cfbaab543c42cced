/** A range of epochs or versions; both ends are inclusive. */
export interface Span {
  first: bigint;
  last: bigint;
}

/** A span of decimal strings, as it travels. */
export function spanOf({ first, last }: { first: string; last: string }): Span {
  return { first: BigInt(first), last: BigInt(last) };
}

/** Whether two spans overlap. */
export function meet(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Joins spans that overlap or touch. Returns the result sorted, with a gap between any two. */
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

/** Removes `holes` from `spans`; both may be in any order. Returns the rest, sorted and joined. */
export function without(spans: Iterable<Span>, holes: Iterable<Span>): Span[] {
  const cuts = unionOf(holes);
  return unionOf(spans).flatMap(({ first, last }) => {
    const left: Span[] = [];
    let next = first;
    for (const cut of cuts) {
      if (cut.last < next || cut.first > last) continue;
      if (cut.first > next) left.push({ first: next, last: cut.first - 1n });
      next = cut.last + 1n;
    }
    return next > last ? left : [...left, { first: next, last }];
  });
}

/** The gaps that `runs` leave between 0 and `last`. `runs` must be sorted, as `unionOf` returns them. */
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
