import type { WatchOrder } from '../../contract/coordinator-state.js';
import type { NodeView } from '../../contract/coordinator-memory.js';
import { withoutNumbers } from '../../lib/without-numbers.js';

/** A watch returns after this time at the latest, which shows the coordinator that it still works. */
const LONGEST_MS = 60 * 60_000;
/**
 * Another problem is news only in a watch that has lasted this long, because each news begins another watch. An error
 * may have other words with each try, and other numbers even more often.
 */
const OTHER_WORDS_MS = 10_000;
const OTHER_NUMBERS_MS = 5 * 60_000;

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
  const lasts = performance.now() - started;
  return (
    isOther(order.view.problem, view.problem, lasts) ||
    lostUpTo(order, order.view) !== lostUpTo(order, view) ||
    (order.version !== undefined && BigInt(view.version) >= BigInt(order.version)) ||
    (order.ended !== undefined && BigInt(view.ended) >= BigInt(order.ended)) ||
    (order.until !== undefined && serverNow >= order.until) ||
    lasts > LONGEST_MS
  );
}

/** Whether an operator should be told of another problem than the one that is known, or of its end. */
function isOther(known: string | undefined, now: string | undefined, lasts: number): boolean {
  if (known === now) return false;
  if (known === undefined || now === undefined) return true;
  const sameWords = withoutNumbers(known) === withoutNumbers(now);
  return lasts >= (sameWords ? OTHER_NUMBERS_MS : OTHER_WORDS_MS);
}

/**
 * The first version that the node still has, if it no longer has everything that is still to be stored.
 */
function lostUpTo(order: WatchOrder, { oldestVersion }: NodeView): string | undefined {
  return BigInt(oldestVersion ?? 0) > BigInt(order.need) ? oldestVersion : undefined;
}
