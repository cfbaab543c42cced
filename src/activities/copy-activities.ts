import type {
  CopyCursor,
  CopyFrozen,
  CopyOutcome,
  CopyPage,
  CopyScope,
  CopySettings,
  CopyTask,
  CopyTaskResult,
  CopyUnit,
} from '../contract/copying.js';
import type { StorageLimits } from '../storage/limits.js';
import { commitCopies } from '../upkeep/copy/commit-copies.js';
import { openEnds } from '../upkeep/copy/copy-ends.js';
import { planCopyPage } from '../upkeep/copy/copy-plan.js';
import { runCopyThread } from '../upkeep/copy/thread/run-copy-thread.js';
import { currentHeart } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import { storedChains } from './stored-chains.js';

export type CopyActivities = ReturnType<typeof createCopyActivities>;

/** What the activities of a copy have in common: its storages, and how much may be asked of them. */
export interface CopyJob {
  settings: CopySettings;
  /** Of one lane, or of the whole copy while it plans. */
  limits: StorageLimits;
}

/** Activities of a copy. Each process reads the epoch endings of a source once, as long as they are the same. */
export function createCopyActivities() {
  const chainOf = storedChains();
  return {
    /** Activities of the control queue. */
    control: { planCopy, commitCopied },

    /** The activity of the chunk queue and the apart queue. `chain` names the epoch endings that prove. */
    chunks: {
      async copyTask(
        job: CopyJob,
        units: CopyUnit[],
        slices: CopyTask,
        chain: string,
      ): Promise<CopyTaskResult> {
        const { signal, beat } = currentHeart();
        const { limits, settings } = job;
        const { from, to, network, trustWaypoints } = settings;
        // What is wrong with epoch endings shows when they are copied.
        const source = { storage: from, network, trustWaypoints };
        const { chain: proof } = await chainOf(source, chain, limits);
        const facts = { endings: proof.dump(), trusted: proof.trusted.list() };
        return runCopyThread(
          { ends: { from, to }, units, slices, limits, ...facts },
          { signal, onProgress: beat },
        );
      },
    },
  };
}

async function planCopy(
  { settings, limits }: CopyJob,
  scope: CopyScope,
  at?: { cursor: CopyCursor; frozen: CopyFrozen },
): Promise<CopyPage> {
  const { signal, beat } = currentHeart();
  const report = (phase: string) => beat({ phase });
  const holder = await holderOfActivity({ ofLane: true });
  const ends = await openEnds(settings, signal, limits);
  return planCopyPage({ ends, holder, signal, report }, settings, scope, at ?? undefined);
}

async function commitCopied(
  { settings, limits }: CopyJob,
  units: CopyUnit[],
  genesis: string | undefined,
): Promise<CopyOutcome[]> {
  const { signal, beat } = currentHeart();
  const report = (phase: string) => beat({ phase });
  const holder = await holderOfActivity({ ofLane: true });
  const ends = await openEnds(settings, signal, limits);
  return commitCopies({ ends, genesis: genesis ?? undefined, holder, signal, report }, units);
}
