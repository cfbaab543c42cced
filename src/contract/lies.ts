import * as v from 'valibot';
import { text, time } from './shape.js';

/** A node sent data that fails its proof, or is of another chain. Small, because results carry it. */
export type Lie = v.InferOutput<typeof lie>;
export const lie = v.object({
  node: v.pipe(text, v.description('the URL of the node')),
  why: v.pipe(text, v.description('what was wrong with what it sent')),
  at: v.pipe(time, v.description('when')),
});

type Lists = (readonly Lie[] | undefined)[];

/** The newest lie of each node, so at most one for each node of the job. */
export function newestLies(...lists: Lists): Lie[] {
  const newest = new Map<string, Lie>();
  for (const lie of lists.flatMap((list) => list ?? [])) {
    const known = newest.get(lie.node);
    if (!known || known.at < lie.at) newest.set(lie.node, lie);
  }
  return [...newest.values()];
}

/** The newest lies as a field of a result; absent when there are none. */
export function withLies(...lists: Lists): { lies?: Lie[] | undefined } {
  const lies = newestLies(...lists);
  return lies.length === 0 ? {} : { lies };
}
