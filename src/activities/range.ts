import type { RangeTask } from '../backup/thread/messages.js';
import type { RangeThreads } from '../backup/thread/range-threads.js';
import type { RangeResult } from '../plan/unit.js';
import { MOST_DEATHS, RANGE_BUDGETS } from './failures.js';
import { withHeartbeat } from './heartbeat.js';
import type { Sites } from './sites.js';

export type RangeActivities = ReturnType<typeof createRangeActivities>;

/** The activity of the chunk queue, and of the one apart. */
export function createRangeActivities(tools: { sites: Sites; threads: RangeThreads }) {
  return {
    /** Stores and proves the chunks of one range; finds and keeps what an earlier attempt stored. */
    async backUpRange(task: RangeTask): Promise<RangeResult> {
      return withHeartbeat(
        RANGE_BUDGETS,
        { everyFewSeconds: false, mostDeaths: MOST_DEATHS },
        async (heart) => {
          const site = await tools.sites.get(task.job, heart.signal);
          return tools.threads.run(task, {
            ledgerInfos: site.ledgerInfos,
            signal: heart.signal,
            onProgress: ({ phase, records, bytes }) => heart.beat({ phase, records, bytes }),
          });
        },
      );
    },
  };
}
