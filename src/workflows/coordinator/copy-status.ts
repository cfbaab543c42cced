import type { KeptCopy } from '../../contract/answers/copy-answers.js';
import { copyLag } from '../../contract/kept-copy.js';
import type { Known } from '../../contract/known.js';
import { storageName } from '../../contract/storage-name.js';

const isoOf = (ms: number | undefined) =>
  ms === undefined ? undefined : new Date(ms).toISOString();

/** The copy as the status shows it; undefined: none is kept. */
export function copyStatusOf({ copy, survey }: Known, now: number): KeptCopy | undefined {
  if (!copy) return undefined;
  const { running = false, has, behindSince, failed, failures, retryAt } = copy;
  const lag = survey && has && copyLag(survey, has);
  return {
    to: storageName(copy.to),
    running,
    workflow_id: copy.workflowId,
    lag_versions: lag && `${lag.versions}`,
    lag_epochs: lag && `${lag.epochs}`,
    lag_snapshots: lag?.snapshots,
    lag_seconds:
      behindSince === undefined ? 0 : Math.max(0, Math.round((now - behindSince) / 1000)),
    behind_since: isoOf(behindSince),
    begun_at: isoOf(copy.begunAt),
    ended_at: isoOf(copy.endedAt),
    outcome: copy.outcome,
    why: failed,
    retry_at: failures > 0 && !running ? isoOf(Math.max(retryAt, now)) : undefined,
  };
}
