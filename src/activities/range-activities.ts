import { requirePlanned } from '../site/chain-anchor.js';
import { forgetDeadly, isDeadly, noteDeadly } from '../repository/deadly-range.js';
import type { RangeTask } from '../backup/range/range-thread-messages.js';
import type { RangeThreads } from '../backup/range/range-threads.js';
import type { RangeResult } from '../contract/unit.js';
import { openStorage } from '../storage/open.js';
import { currentHeart, isAlone, killsItsWorker } from './heartbeat.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

export type RangeActivities = ReturnType<typeof createRangeActivities>;

/** The activity of the chunk queue and the apart queue that stores ranges. */
export function createRangeActivities(tools: { sites: Sites; threads: RangeThreads }) {
  return {
    /** Stores and proves the chunks of one range. Keeps what an earlier attempt stored. */
    async backUpRange(task: RangeTask): Promise<RangeResult> {
      const { signal, reached, beat } = currentHeart();
      if (!isAlone() && (await isDeadly(...placeOf(task, signal)))) {
        throw killsItsWorker('it killed workers in an earlier backup');
      }
      // The plan is stored by now, so the storage exists and a node has answered.
      const settings = { ...task.job, existingStorage: true as const };
      const result = await onNode(tools.sites, settings, async (site) => {
        // This node may differ from that of the plan, or may have changed since.
        await requirePlanned(site);
        await site.storage.requireFit(); // it writes, so it comes after
        return tools.threads.run(task, site.address, {
          ledgerInfos: site.ledgerInfos,
          gate: tools.sites.gates.to(site.address),
          signal,
          onProgress: ({ phase, records, bytes, stored }) => {
            reached(stored);
            beat({ phase, records, bytes });
          },
        });
      });
      if (isAlone()) await forgetDeadly(...placeOf(task)).catch(() => undefined);
      return result;
    },
  };
}

/** Notes in the storage that workers die of a range. The next backup of it starts apart. */
export function noteDeadlyRange(task: RangeTask): Promise<void> {
  return noteDeadly(...placeOf(task));
}

function placeOf({ job, unit, range }: RangeTask, signal?: AbortSignal) {
  return [openStorage(job.storage, signal), unit.folder, range] as const;
}
