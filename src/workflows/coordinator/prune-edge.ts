import type { CoordinatorMemory, NodeView, PruneEdge } from '../../plan/coordinator.js';
import { spans } from '../../plan/decide.js';
import type { BackupType } from '../../plan/job.js';
import { holesUpTo, unionOf } from '../../plan/spans.js';

/**
 * What a stream stores next, and how many versions the node is from pruning it. `missing`: the node has
 * it already, so that nothing but us delays it. Undefined while the node prunes nothing, and for epoch
 * endings, which no node prunes.
 */
export function pruneEdgeOf(
  type: BackupType,
  memory: CoordinatorMemory,
): { edge: PruneEdge; missing: boolean } | undefined {
  const { survey, node } = memory;
  if (!survey || !node || type === 'epoch_ending') return undefined;
  if (type === 'state_snapshot') {
    if (!node.snapshotLeft || node.stateWindow === undefined) return undefined;
    const { epoch, versions } = node.snapshotLeft;
    if (survey.snapshots.includes(epoch)) return undefined;
    const left = Math.max(0, Number(versions));
    return { edge: edgeOf(epoch, left, Number(node.stateWindow), node), missing: true };
  }
  if (node.ledgerWindow === undefined) return undefined;
  const tip = BigInt(node.version);
  // What is pruned already is told as lost.
  const pruned = { first: 0n, last: BigInt(node.oldestVersion ?? 0) - 1n };
  const [hole] = holesUpTo(unionOf([...spans(survey.versions), pruned]), tip);
  const window = Number(node.ledgerWindow);
  const next = hole?.first ?? tip + 1n;
  const versions = Math.min(Math.max(0, Number(next) + window - Number(tip)), window);
  return { edge: edgeOf(`${next}`, versions, window, node), missing: hole !== undefined };
}

function edgeOf(next: string, versions: number, window: number, node: NodeView): PruneEdge {
  const seconds = secondsFor(versions, node);
  return { next, versions, ...(seconds === undefined ? {} : { seconds }), window };
}

/** Seconds that so many versions take at the rate of the chain; undefined while it stands. */
export function secondsFor(versions: number, node: NodeView | undefined): number | undefined {
  const rate = node?.versionsPerSecond ?? 0;
  return rate > 0 ? Math.round(versions / rate) : undefined;
}
