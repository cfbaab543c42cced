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
import { nextTasks } from '../verify/tasks.js';
import { runInThread } from '../verify/thread/run-in-thread.js';
import { currentHeart } from './heartbeat.js';
import { storedChains } from './stored-chains.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;

/**
 * Activities of a verification, which `run` names. All its tasks are checked under the epoch endings that
 * were stored when it started. Each process reads them once.
 */
export function createVerifyActivities() {
  const chainOf = storedChains();
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
