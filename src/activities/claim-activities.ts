import { setTimeout as sleep } from 'node:timers/promises';
import { anchorStorage, requireBegun } from '../site/chain-anchor.js';
import { Lease, describeHolder } from '../repository/lease.js';
import { ensureIdentity } from '../repository/unit-folder.js';
import type { ClaimOrder, ClaimResult } from '../contract/coordinator-state.js';
import type { JobSettings } from '../contract/job.js';
import { openStorage } from '../storage/open.js';
import { holderOfActivity } from './holder.js';
import { currentHeart } from './heartbeat.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

const POLL_MS = 2_000;
/**
 * The activity returns after this time at the latest, which shows the coordinator that it still works.
 */
const LONGEST_MS = 60 * 60_000;

/** Activities that give a storage to one coordinator, across all servers and hosts. */
export function createClaimActivities(tools: { sites: Sites }) {
  return {
    /**
     * Begins a new storage, and claims it. If another coordinator has it, returns which one. With `wait`,
     * takes over when the other coordinator has been silent long enough.
     */
    async claimStorage({ settings, begun, wait }: ClaimOrder): Promise<ClaimResult> {
      return onNode(tools.sites, settings, async (site): Promise<ClaimResult> => {
        const { signal } = currentHeart();
        if (begun) {
          await requireBegun(site, signal);
        } else {
          await anchorStorage(site, signal);
          await ensureIdentity(site.storage);
        }
        const lease = new Lease(site.storage, 'coordinator', await holderOfActivity());
        const started = performance.now();
        for (;;) {
          const holder = await lease.claim();
          if (!holder) return {};
          if (!wait || performance.now() - started > LONGEST_MS) {
            return { heldBy: describeHolder(holder) };
          }
          await sleep(POLL_MS, undefined, { signal });
        }
      });
    },

    /** Releases the claim, so that the next coordinator need not wait until it expires. */
    async releaseStorage({ storage }: JobSettings): Promise<void> {
      const own = openStorage(storage, currentHeart().signal);
      const lease = new Lease(own, 'coordinator', await holderOfActivity());
      if (!(await lease.resume())) await lease.release();
    },
  };
}
