/** What a node sent that fails its proof, or that it is of another chain. Small: it travels in results. */
export interface Lie {
  node: string;
  why: string;
  /** Unix milliseconds. */
  at: number;
}

/**
 * The newest lie of each node, as a field of a result that is absent when there is none. There are
 * no more of them than a job has nodes.
 */
export function withLies(...lists: (readonly Lie[] | undefined)[]): { lies?: Lie[] } {
  const newest = new Map<string, Lie>();
  for (const lie of lists.flatMap((list) => list ?? [])) {
    const known = newest.get(lie.node);
    if (!known || known.at < lie.at) newest.set(lie.node, lie);
  }
  return newest.size === 0 ? {} : { lies: [...newest.values()] };
}
