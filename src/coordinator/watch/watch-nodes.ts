import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchOrder, WatchResult } from '../../contract/coordinator-state.js';
import { type Lease, describeHolder } from '../../repository/lease.js';
import { Watch, type WatchTools, firstView } from './watch-loop.js';

/** A clock that was set back by less raises no concern. */
const SET_BACK_MS = 60_000;

/**
 * Polls the first node of a job that is well, once a second, until the coordinator has something to do:
 * an awaited version or end of an epoch was reached, the time is up, or trouble began or ended. Writes
 * nothing. Only what all nodes fail at counts as trouble.
 * @throws BackupError CHAIN_MISMATCH when the nodes serve another chain; with a single node, all errors
 * of opening its site
 */
export async function watchNodes(order: WatchOrder, tools: WatchTools): Promise<WatchResult> {
  const view = firstView(order, tools);
  if ((order.at ?? 0) - tools.serverNow() > SET_BACK_MS) return { view, clockSetBack: true };
  const over = new AbortController();
  const until = AbortSignal.any([tools.signal, over.signal]);
  const lease = tools.lease?.withSignal(until);
  const holder = await lease?.resume();
  if (holder) return { view, claimLost: describeHolder(holder) };
  const watching = new Watch(order, { ...tools, signal: until }).run();
  try {
    if (!lease) return await watching;
    const lost = keepClaim(lease, until);
    return await Promise.race([watching, lost.then((claimLost) => ({ view, claimLost }))]);
  } finally {
    over.abort();
    watching.catch(() => undefined);
  }
}

/** Renews a claim until somebody else has it. A storage that hangs or is away ends it, too. */
async function keepClaim(lease: Lease, signal: AbortSignal): Promise<string> {
  for (;;) {
    await sleep(lease.renewMs, undefined, { signal });
    const holder = await lease.renew();
    if (holder) return describeHolder(holder);
  }
}
