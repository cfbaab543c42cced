import path from 'node:path';
import type { DrillReport, RestorePlan } from '../contract/answers/restore-answers.js';
import type { DrillOrder, DrillTool } from '../contract/drill-input.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { rememberRestoreRates } from '../repository/restore-rates.js';
import { rememberVerified } from '../repository/verified-times.js';
import {
  type DrillPlan,
  type Restored,
  drillPlanOf,
  drillRestore,
} from '../restore/drill/drill-restore.js';
import { removeLeftScratch } from '../restore/drill/scratch.js';
import { planRestore } from '../restore/plan/plan.js';
import { openReadable } from '../storage/index/open-readable.js';
import { openStorage, storageId } from '../storage/open.js';
import { currentHeart } from './heartbeat.js';

export type DrillActivities = ReturnType<typeof createDrillActivities>;

/** What a plan says to a drill: what to restore, or why nothing can be restored. */
export interface PlannedDrill {
  plan?: DrillPlan;
  why: string[];
}

/** The side effects of a restore drill, all on the control queue. */
export function createDrillActivities() {
  return { planDrill, restoreInScratch, clearScratch, concludeDrill };
}

async function planDrill(order: DrillOrder): Promise<PlannedDrill> {
  const { signal, beat } = currentHeart();
  const { settings, target, from } = order;
  const storage = await openReadable(settings.storage, signal);
  const plan: RestorePlan = await planRestore(storage, {
    settings,
    target: target === undefined ? undefined : BigInt(target),
    from: from === undefined ? undefined : BigInt(from),
    rates: {},
    ...{ tool: 'aptos-db-tool', dbDir: 'db', adapterFile: 'adapter.yaml' },
    onProgress: (phase) => beat({ phase }),
  });
  // A drill shows that what is stored can be restored. What is missing above is for the status to say.
  const short = order.target !== undefined || order.from !== undefined;
  if (!plan.restores_to || (short && !plan.ok)) return { why: plan.why };
  return { plan: drillPlanOf(plan, storage.indexedAt !== undefined), why: [] };
}

function restoreInScratch(
  { settings: { storage } }: DrillOrder,
  plan: DrillPlan,
  tool: DrillTool,
): Promise<Restored> {
  const { signal, beat } = currentHeart();
  return drillRestore({
    ...{ storage, storageId: storageId(storage), plan, signal },
    binary: tool.binary,
    scratch: parentOf(tool),
    silenceMs: tool.silenceSeconds * 1_000,
    onProgress: beat,
  });
}

/** Removes what a worker left that died during the restore. */
async function clearScratch({ settings }: DrillOrder, tool: DrillTool): Promise<void> {
  await removeLeftScratch(parentOf(tool), storageId(settings.storage));
}

/** Keeps in the storage when the drill was, and what it measured. */
async function concludeDrill(
  { settings }: DrillOrder,
  { ok, restore }: Pick<DrillReport, 'ok' | 'restore'>,
  rates: Restored['rates'] | null,
): Promise<void> {
  const { signal } = currentHeart();
  const storage = openStorage(settings.storage, signal);
  const now = Date.now();
  if (rates) await rememberRestoreRates(storage, rates);
  const restored = restore ? { restored: now } : {};
  await rememberVerified(storage, ok ? { drilled: now, ...restored } : { drill_failed: now });
}

function parentOf({ scratch }: DrillTool): string {
  return scratch ?? path.join(dataFolder(), 'drills');
}
