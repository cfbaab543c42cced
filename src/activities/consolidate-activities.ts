import type { ParsedConsolidate } from '../contract/consolidate-input.js';
import type {
  CommittedGroup,
  ConsolidatedGroup,
  ConsolidationPage,
  GroupOrder,
} from '../contract/consolidation.js';
import { spanOf } from '../lib/spans.js';
import { openStorage } from '../storage/open.js';
import { commitGroup } from '../upkeep/consolidate/commit-group.js';
import { planGroups, settleSwaps } from '../upkeep/consolidate/plan-groups.js';
import { runConsolidate } from '../upkeep/consolidate/run-consolidate.js';
import { currentHeart } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import { storedChains } from './stored-chains.js';

export type ConsolidateActivities = ReturnType<typeof createConsolidateActivities>;

/** Activities of a consolidation: a page of the plan, one batch, and its commit. */
export function createConsolidateActivities() {
  const chainOf = storedChains();
  return {
    /** Activities of the control queue. */
    control: { planConsolidation, commitConsolidation },

    /** The activity of the chunk queue and the apart queue. */
    chunks: {
      /** Stores and proves the chunks of one full batch. `run`: those that share the stored epoch endings. */
      async consolidateBatch(
        { settings }: ParsedConsolidate,
        group: GroupOrder,
        run: string,
      ): Promise<ConsolidatedGroup> {
        const { signal, beat, reached } = currentHeart();
        const { chain } = await chainOf(settings, run);
        const { storage } = settings;
        return runConsolidate(
          group,
          { storage, endings: chain.dump(), trusted: chain.trusted.list() },
          {
            signal,
            onProgress(progress) {
              reached(progress.chunks);
              beat(progress);
            },
          },
        );
      },
    },
  };
}

async function planConsolidation(
  { settings, batchSize, dryRun }: ParsedConsolidate,
  from: string,
): Promise<ConsolidationPage & { storage: string }> {
  const { signal, beat } = currentHeart();
  const storage = openStorage(settings.storage, signal);
  const holder = await holderOfActivity();
  if (!dryRun) await settleSwaps(storage, { holder, signal, report: (phase) => beat({ phase }) });
  const page = await planGroups(storage, BigInt(batchSize), BigInt(from));
  return { ...page, storage: storage.description };
}

async function commitConsolidation(
  { settings, graceMs }: ParsedConsolidate,
  batch: Pick<GroupOrder, 'first' | 'last'>,
  group: Extract<ConsolidatedGroup, { status: 'stored' | 'whole' }>,
): Promise<CommittedGroup> {
  const { signal, beat } = currentHeart();
  const storage = openStorage(settings.storage, signal);
  await storage.requireFit();
  const holder = await holderOfActivity({ ofLane: true });
  const report = (phase: string) => beat({ phase });
  return commitGroup(spanOf(batch), group, { storage, holder, graceMs, signal, report });
}
