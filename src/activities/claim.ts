import { setTimeout as sleep } from 'node:timers/promises';
import { anchorStorage, requireBegun } from '../backup/chain-anchor.js';
import { Lease, describeHolder } from '../backup/lease.js';
import { ensureIdentity } from '../backup/unit-folder.js';
import type { ClaimOrder, ClaimResult } from '../plan/coordinator.js';
import type { JobSettings } from '../plan/job.js';
import { openStorage } from '../storage/open.js';
import { COORDINATOR_BUDGETS } from './failures.js';
import { withHeartbeat } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

const POLL_MS = 2_000;
/** Returns at the latest, so that whoever waits sees that somebody still looks. */
const LONGEST_MS = 60 * 60_000;

/** The activities that give a storage to one coordinator, over all servers and hosts. */
export function createClaimActivities(tools: { sites: Sites }) {
  return {
    /**
     * Begins the storage if it is new, and claims it. While another coordinator has it, says which; with
     * `wait`, takes over when that one has been silent for long enough.
     */
    async claimStorage({ settings, begun, wait }: ClaimOrder): Promise<ClaimResult> {
      return withHeartbeat(COORDINATOR_BUDGETS, (heart) =>
        onNode(tools.sites, settings, heart, async (site): Promise<ClaimResult> => {
          const { signal } = heart;
          if (begun) {
            await requireBegun(site, signal);
          } else {
            await anchorStorage(site, signal);
            await ensureIdentity(site.storage);
          }
          const lease = new Lease(site.storage, 'coordinator', await holderOfActivity());
          const started = performance.now();
          for (;;) {
            const holder = await lease.claim(signal);
            if (!holder) return {};
            if (!wait || performance.now() - started > LONGEST_MS) {
              return { heldBy: describeHolder(holder) };
            }
            await sleep(POLL_MS, undefined, { signal });
          }
        }),
      );
    },

    /** Lets the next coordinator in at once, instead of when this one has been silent for long. */
    async releaseStorage({ storage }: JobSettings): Promise<void> {
      await withHeartbeat(COORDINATOR_BUDGETS, async ({ signal }) => {
        const holder = await holderOfActivity();
        const lease = new Lease(openStorage(storage), 'coordinator', holder);
        if (!(await lease.resume(signal))) await lease.release();
      });
    },
  };
}
