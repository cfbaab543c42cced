import { Context } from '@temporalio/activity';
import { isRunning } from './is-running.js';
import type { PruneAnswer } from '../contract/answers/retention-answers.js';
import { type StorageConfig, workflowIdOf } from '../contract/job.js';
import type { GcOrder, PruneOrder } from '../contract/retention-input.js';
import { openStorage, storageId } from '../storage/open.js';
import { type GcPage, gcPage } from '../upkeep/gc/gc.js';
import { describePlan } from '../upkeep/retention/describe-plan.js';
import { planPrune as plan } from '../upkeep/retention/plan.js';
import {
  type RetiredPage,
  type UpkeepTools,
  retirePage as retire,
} from '../upkeep/retention/retire.js';
import { currentHeart } from './heartbeat.js';
import { holderOfActivity } from './holder.js';

export type GcActivities = typeof gcActivities;

/** Activities of the control queue that retire backups and remove what nobody needs. */
export const gcActivities = {
  /** What keep rules would retire, with sizes. Never writes but for a look at the storage's clock. */
  async planPrune({ storage: settings, rules, graceMs }: PruneOrder): Promise<PruneAnswer> {
    const { storage, report } = await toolsFor(settings);
    return describePlan(storage, await plan(storage, rules, report), graceMs, report);
  },

  /** Retires some of it. */
  async retirePage(order: PruneOrder): Promise<RetiredPage> {
    const tools = await toolsFor(order.storage);
    await tools.storage.requireFit();
    return retire(order, tools);
  },

  /** Removes what nobody needs from some folders. `after`: the last one of the page before. */
  async removeGarbage({ storage: settings, graceMs }: GcOrder, after?: string): Promise<GcPage> {
    const { client } = Context.current();
    return gcPage(
      { graceMs, after: after ?? undefined },
      {
        ...(await toolsFor(settings)),
        isRunning: (unit) => isRunning(client, workflowIdOf(storageId(settings), unit)),
      },
    );
  },
};

async function toolsFor(settings: StorageConfig): Promise<UpkeepTools> {
  const { signal, beat } = currentHeart();
  return {
    storage: openStorage(settings, signal),
    holder: await holderOfActivity(),
    signal,
    report: (phase) => beat({ phase }),
  };
}
