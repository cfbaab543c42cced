import { createBatchHasher } from '../aptos/index.js';
import { rememberVerified } from '../repository/verified-times.js';
import type {
  TaskResult,
  VerifyCursor,
  VerifyEnding,
  VerifyPage,
  VerifyScope,
  VerifySettings,
  VerifyTask,
} from '../contract/verification.js';
import type { VerifyTotals } from '../contract/verify-totals.js';
import { timesOf } from '../contract/verified.js';
import { openReadable } from '../storage/index/open-readable.js';
import { concludeCoverage } from '../verify/coverage.js';
import { readChain } from '../verify/read-chain.js';
import type { StoredChain } from '../verify/stored-chain.js';
import { nextTasks } from '../verify/tasks.js';
import { runInThread } from '../verify/thread/run-in-thread.js';
import { currentHeart } from './heartbeat.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;

/** Number of verifications whose chains a process keeps. Each takes some megabytes. */
const CHAINS_KEPT = 4;

interface ReadChain {
  chain: StoredChain;
  result: TaskResult;
}

/**
 * Activities of a verification, which `run` names. All its tasks are checked under the epoch endings that
 * were stored when it started. Each process reads them once.
 */
export function createVerifyActivities() {
  const chains = new Map<string, Promise<ReadChain>>();
  const chainOf = (settings: VerifySettings, run: string) => {
    const known = chains.get(run);
    if (known) return known;
    const chain = readChainOf(settings);
    chains.set(run, chain);
    chain.catch(() => chains.delete(run));
    const oldest = chains.keys().next();
    if (chains.size > CHAINS_KEPT && !oldest.done) chains.delete(oldest.value);
    return chain;
  };

  return {
    /** Activities of the control queue. */
    control: { planVerification, concludeVerification },

    /** The activity of the chunk queue and the apart queue. */
    chunks: {
      async verifyTask(
        settings: VerifySettings,
        task: VerifyTask,
        again: boolean,
        run: string,
      ): Promise<TaskResult> {
        const { signal, beat } = currentHeart();
        const { chain, result } = await chainOf(settings, run);
        if (task.kind === 'epoch_endings') return result;
        const trusted = chain.trusted.list();
        return runInThread(
          { storage: settings.storage, task, again, endings: chain.dump(), trusted },
          { signal, onProgress: beat },
        );
      },
    },
  };
}

async function planVerification(
  settings: VerifySettings,
  scope: VerifyScope,
  cursor?: VerifyCursor,
): Promise<VerifyPage> {
  const { signal } = currentHeart();
  return nextTasks(await openReadable(settings.storage, signal), scope, cursor ?? undefined);
}

async function concludeVerification(
  settings: VerifySettings,
  scope: VerifyScope,
  totals: VerifyTotals,
  ending: VerifyEnding,
): Promise<Coverage> {
  const { signal } = currentHeart();
  const storage = await openReadable(settings.storage, signal);
  const coverage = await concludeCoverage(storage, scope, totals, ending);
  await rememberVerified(storage, timesOf(coverage, Date.now()));
  return coverage;
}

/** Reads the epoch endings. The activity that asks first reports the progress. */
async function readChainOf(settings: VerifySettings): Promise<ReadChain> {
  const { beat } = currentHeart();
  let bytes = 0;
  const tools = {
    // Other tasks may wait for the same chain, so it is not cancelled with this one.
    storage: await openReadable(settings.storage),
    hasher: createBatchHasher(),
    onProgress: (more: { bytes: number }) => {
      bytes += more.bytes;
      beat({ phase: 'epoch endings', bytes });
    },
  };
  return readChain(tools, settings);
}
