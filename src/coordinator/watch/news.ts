import type { WatchOrder } from '../../contract/coordinator-state.js';
import type { NodeView } from '../../contract/coordinator-memory.js';

/** A watch returns after this time at the latest, which shows the coordinator that it still works. */
const LONGEST_MS = 60 * 60_000;

/**
 * Whether the view of the node has what the coordinator waits for. `serverNow`: the time by the clock of
 * the server. `started`: when this watch began, by `performance.now()`.
 */
export function isNews(
  order: WatchOrder,
  view: NodeView,
  serverNow: number,
  started: number,
): boolean {
  if (!order.view) return true;
  return (
    (order.view.problem === undefined) !== (view.problem === undefined) ||
    lostUpTo(order, order.view) !== lostUpTo(order, view) ||
    (order.version !== undefined && BigInt(view.version) >= BigInt(order.version)) ||
    (order.ended !== undefined && BigInt(view.ended) >= BigInt(order.ended)) ||
    (order.until !== undefined && serverNow >= order.until) ||
    performance.now() - started > LONGEST_MS
  );
}

/**
 * The first version that the node still has, if it no longer has everything that is still to be stored.
 */
function lostUpTo(order: WatchOrder, { oldestVersion }: NodeView): string | undefined {
  return BigInt(oldestVersion ?? 0) > BigInt(order.need) ? oldestVersion : undefined;
}
