import { requireSameChain } from '../backup/chain-anchor.js';
import { forgetDeadly, isDeadly, noteDeadly } from '../backup/deadly-range.js';
import type { RangeTask } from '../backup/thread/messages.js';
import type { RangeThreads } from '../backup/thread/range-threads.js';
import type { RangeResult } from '../plan/unit.js';
import { openStorage } from '../storage/open.js';
import { MOST_DEATHS, RANGE_BUDGETS } from './failures.js';
import { isAlone, killsItsWorker, withHeartbeat } from './heartbeat.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

export type RangeActivities = ReturnType<typeof createRangeActivities>;

/** The activity of the chunk queue, and of the one apart. */
export function createRangeActivities(tools: { sites: Sites; threads: RangeThreads }) {
  return {
    /** Stores and proves the chunks of one range; finds and keeps what an earlier attempt stored. */
    async backUpRange(task: RangeTask): Promise<RangeResult> {
      const place = [openStorage(task.job.storage), task.unit.folder, task.range] as const;
      return withHeartbeat(
        RANGE_BUDGETS,
        async (heart) => {
          const { signal } = heart;
          if (!isAlone() && (await isDeadly(...place, signal))) {
            throw killsItsWorker('workers died of it in an earlier backup');
          }
          // A plan has been stored by now, of a node that answered.
          const settings = { ...task.job, existingStorage: true as const };
          const result = await onNode(tools.sites, settings, heart, async (site) => {
            // Not the node of the plan, perhaps, or no longer what it was then.
            await requireSameChain(site, signal);
            return tools.threads.run(task, site.address, {
              ledgerInfos: site.ledgerInfos,
              signal,
              onProgress: ({ phase, records, bytes }) => heart.beat({ phase, records, bytes }),
            });
          });
          if (isAlone()) await forgetDeadly(...place).catch(() => undefined);
          return result;
        },
        // Without a note it only takes longer.
        { most: MOST_DEATHS, beforeApart: () => noteDeadly(...place).catch(() => undefined) },
      );
    },
  };
}
