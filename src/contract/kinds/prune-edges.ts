import type { NodeView } from '../coordinator-memory.js';
import type { PruneEdge } from '../answers/coordinator-answers.js';

/**
 * What a stream stores next, and how many versions the node is from pruning it. `missing`: the node has it, and the
 * storage does not have it yet.
 */
export interface StreamEdge {
  edge: PruneEdge;
  missing: boolean;
}

/** `window`: how many versions the node keeps. */
export function edgeOf(
  next: string,
  versions: number,
  window: number,
  node: Readonly<NodeView>,
): PruneEdge {
  const seconds = secondsFor(versions, node);
  return { next, versions, seconds, window };
}

/** How long the chain takes for so many versions, in seconds. Undefined while the chain stands still. */
export function secondsFor(
  versions: number,
  node: Readonly<NodeView> | undefined,
): number | undefined {
  const rate = node?.versionsPerSecond ?? 0;
  return rate > 0 ? Math.round(versions / rate) : undefined;
}
