import { setTimeout as sleep } from 'node:timers/promises';
import { NodeError } from '../node/errors.js';
import type { Site } from './site.js';

/**
 * What a node no longer has. It never says so: what it has pruned fails like everything else it
 * cannot read, so the edge is found by asking, with the tip to tell a pruned node from a broken one.
 */

/** A busy node refuses now and then what it has; only what is refused so often in a row is gone. */
const REFUSALS = 4;
const PAUSE_MS = 250;
/** A node that refuses now this, now that has no edge. */
const SEARCHES = 3;

/** Whether the node still has a transaction that it must have had. @throws what else goes wrong */
export async function hasTransaction(site: Site, version: bigint, signal?: AbortSignal) {
  return unlessRefused(async () => {
    for await (const bytes of site.node.transactions(version, 1n, signal)) void bytes;
  }, signal);
}

/** Whether the node still has the state at the end of an epoch. @throws what else goes wrong */
export async function hasState(site: Site, version: bigint, signal?: AbortSignal) {
  return unlessRefused(() => site.node.stateItemCount(version, signal), signal);
}

/** The oldest transaction from `from` to `tip` that the node has; undefined when it has not even `tip`. */
export async function oldestTransaction(
  site: Site,
  from: bigint,
  tip: bigint,
  signal?: AbortSignal,
): Promise<bigint | undefined> {
  return lowest(from, tip, (version) => hasTransaction(site, version, signal));
}

/** The oldest epoch of `from` to `newest` whose state the node has; undefined when it has none. */
export async function oldestState(
  site: Site,
  from: bigint,
  newest: bigint,
  signal?: AbortSignal,
): Promise<bigint | undefined> {
  return lowest(from, newest, async (epoch) => {
    const { version } = await site.history.ending(epoch, signal);
    return hasState(site, version, signal);
  });
}

/**
 * The lowest number that is there, when everything above the lowest one is there too. Looked for again
 * when the one below turns out to be there after all: something was refused that is not gone.
 */
async function lowest(
  from: bigint,
  to: bigint,
  isThere: (at: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  if (await isThere(from)) return from;
  if (from >= to || !(await isThere(to))) return undefined;
  for (let search = 0; search < SEARCHES; search += 1) {
    let missing = from;
    let there = to;
    while (there - missing > 1n) {
      const middle = (missing + there) / 2n;
      if (await isThere(middle)) there = middle;
      else missing = middle;
    }
    if (!(await isThere(missing))) return there;
  }
  return from;
}

async function unlessRefused(ask: () => Promise<unknown>, signal?: AbortSignal): Promise<boolean> {
  for (let refusals = 1; ; refusals += 1) {
    try {
      await ask();
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (refusals === REFUSALS) return false;
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

/** As the service refuses what it cannot read (docs/formats.md); other answers are those of a proxy before it. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof NodeError)) return false;
  return error.code === 'NODE_ABORTED_BEFORE_FIRST_RECORD' || error.status === 500;
}
