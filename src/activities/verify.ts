import { createBatchHasher } from '../aptos/hash/batch-hasher.js';
import type {
  Coverage,
  TaskResult,
  VerifyCursor,
  VerifyPage,
  VerifyScope,
  VerifySettings,
  VerifyTask,
} from '../plan/verify.js';
import type { VerifyTotals } from '../plan/verify-totals.js';
import { openStorage } from '../storage/open.js';
import { concludeCoverage } from '../verify/coverage.js';
import { readChain } from '../verify/read-chain.js';
import type { StoredChain } from '../verify/stored-chain.js';
import { nextTasks } from '../verify/tasks.js';
import { runInThread } from '../verify/thread/run-in-thread.js';
import { CONTROL_BUDGETS, MOST_DEATHS, RANGE_BUDGETS } from './failures.js';
import { type Heart, withHeartbeat } from './heartbeat.js';

/** Verifications whose chains a process keeps; each is some megabytes. */
const CHAINS_KEPT = 4;

/**
 * Activities of a verification. `run` names it: all its tasks are checked under the epoch endings
 * that were stored when it had begun, read once by each process.
 */
export function createVerifyActivities() {
  const chains = new Map<string, Promise<{ chain: StoredChain; result: TaskResult }>>();

  const chainOf = (settings: VerifySettings, run: string, heart: Heart) => {
    const known = chains.get(run);
    if (known) return known;
    const storage = openStorage(settings.storage);
    let bytes = 0;
    const chain = readChain(
      {
        storage,
        hasher: createBatchHasher(),
        // Other tasks may wait for the same chain: not cancelled with this one.
        signal: new AbortController().signal,
        onProgress: (more) => {
          bytes += more.bytes;
          heart.beat({ phase: 'epoch endings', bytes });
        },
      },
      settings,
    );
    chains.set(run, chain);
    chain.catch(() => chains.delete(run));
    const oldest = chains.keys().next();
    if (chains.size > CHAINS_KEPT && !oldest.done) chains.delete(oldest.value);
    return chain;
  };

  return {
    /** Activities of the control queue. */
    control: {
      async planVerification(
        settings: VerifySettings,
        scope: VerifyScope,
        cursor?: VerifyCursor,
      ): Promise<VerifyPage> {
        return withHeartbeat(CONTROL_BUDGETS, ({ signal }) =>
          nextTasks(openStorage(settings.storage), scope, cursor ?? undefined, signal),
        );
      },

      async concludeVerification(
        settings: VerifySettings,
        scope: VerifyScope,
        totals: VerifyTotals,
        ending: { begunAt: number; stoppedEarly: boolean },
      ): Promise<Coverage> {
        return withHeartbeat(CONTROL_BUDGETS, ({ signal }) =>
          concludeCoverage(openStorage(settings.storage), scope, totals, ending, signal),
        );
      },
    },

    /** The activity of the chunk queue, and of the one apart. */
    chunks: {
      async verifyTask(
        settings: VerifySettings,
        task: VerifyTask,
        again: boolean,
        run: string,
      ): Promise<TaskResult> {
        return withHeartbeat(
          RANGE_BUDGETS,
          async (heart) => {
            const { chain, result } = await chainOf(settings, run, heart);
            if (task.kind === 'epoch_endings') return result;
            const { storage } = settings;
            const trusted = chain.trusted.list();
            return runInThread(
              { storage, task, again, endings: chain.dump(), trusted },
              { signal: heart.signal, onProgress: (progress) => heart.beat(progress) },
            );
          },
          { most: MOST_DEATHS },
        );
      },
    },
  };
}
