/** What a node sent that fails its proof, or that it is of another chain. Small: it travels in results. */
export interface Lie {
  node: string;
  why: string;
  /** Unix milliseconds. */
  at: number;
}

type Lists = (readonly Lie[] | undefined)[];

/** The newest lie of each node: no more of them than a job has nodes. */
export function newestLies(...lists: Lists): Lie[] {
  const newest = new Map<string, Lie>();
  for (const lie of lists.flatMap((list) => list ?? [])) {
    const known = newest.get(lie.node);
    if (!known || known.at < lie.at) newest.set(lie.node, lie);
  }
  return [...newest.values()];
}

/** The same as a field of a result, absent when there is none. */
export function withLies(...lists: Lists): { lies?: Lie[] } {
  const lies = newestLies(...lists);
  return lies.length === 0 ? {} : { lies };
}
