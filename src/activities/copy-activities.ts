import { createBatchHasher } from '../aptos/index.js';
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
import { openReadable } from '../storage/index/open-readable.js';
import { commitCopies } from '../upkeep/copy/commit-copies.js';
import { openEnds } from '../upkeep/copy/copy-ends.js';
import { planCopyPage } from '../upkeep/copy/copy-plan.js';
import { runCopyThread } from '../upkeep/copy/thread/run-copy-thread.js';
import { readChain } from '../verify/read-chain.js';
import type { StoredChain } from '../verify/stored-chain.js';
import { currentHeart } from './heartbeat.js';
import { holderOfActivity } from './holder.js';

export type CopyActivities = ReturnType<typeof createCopyActivities>;

/** Number of sources whose epoch endings a process keeps. Each takes some megabytes. */
const CHAINS_KEPT = 4;

/** What the activities of a copy have in common: its storages, and how much may be asked of them. */
export interface CopyJob {
  settings: CopySettings;
  /** Of one lane, or of the whole copy while it plans. */
  limits: StorageLimits;
}

/** Activities of a copy. Each process reads the epoch endings of a source once, as long as they are the same. */
export function createCopyActivities() {
  const chains = new Map<string, Promise<StoredChain>>();
  const chainOf = (job: CopyJob, name: string) => {
    const known = chains.get(name);
    if (known) return known;
    const chain = readChainOf(job);
    chains.set(name, chain);
    chain.catch(() => chains.delete(name));
    const oldest = chains.keys().next();
    if (chains.size > CHAINS_KEPT && !oldest.done) chains.delete(oldest.value);
    return chain;
  };

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
        const { from, to } = settings;
        const proof = await chainOf(job, chain);
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
  const { signal } = currentHeart();
  const ends = await openEnds(settings, signal, limits);
  return planCopyPage(ends, settings, scope, at ?? undefined);
}

async function commitCopied(
  { settings, limits }: CopyJob,
  units: CopyUnit[],
  genesis: string | undefined,
): Promise<CopyOutcome[]> {
  const { signal, beat } = currentHeart();
  const report = (phase: string) => beat({ phase });
  const holder = await holderOfActivity();
  const ends = await openEnds(settings, signal, limits);
  return commitCopies({ ends, genesis: genesis ?? undefined, holder, signal, report }, units);
}

/** Reads the epoch endings of the source. What is wrong with them shows when they are copied. */
async function readChainOf({ settings, limits }: CopyJob): Promise<StoredChain> {
  const { beat } = currentHeart();
  const { from, network, trustWaypoints } = settings;
  let bytes = 0;
  const tools = {
    // Other tasks may wait for the same chain, so it is not cancelled with this one.
    storage: await openReadable(from, undefined, limits),
    hasher: createBatchHasher(),
    onProgress: (more: { bytes: number }) => {
      bytes += more.bytes;
      beat({ phase: 'epoch endings', bytes });
    },
  };
  return (await readChain(tools, { storage: from, network, trustWaypoints })).chain;
}
