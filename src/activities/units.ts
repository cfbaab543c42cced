import {
  type CommitTools,
  commitEpochEndings,
  commitStateSnapshot,
  commitTransactions,
} from '../backup/commit.js';
import {
  prepareEpochEndings,
  prepareStateSnapshot,
  prepareTransactions,
} from '../backup/prepare.js';
import type { Site } from '../backup/site.js';
import type { Job } from '../plan/job.js';
import type { BackupResult, Prepared, Unit } from '../plan/unit.js';
import { CONTROL_BUDGETS } from './failures.js';
import { withHeartbeat } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import type { Sites } from './sites.js';

export type UnitActivities = ReturnType<typeof createUnitActivities>;

/** Activities of the control queue: they plan and commit whole units. */
export function createUnitActivities(tools: { sites: Sites }) {
  const plan =
    <J extends Job>(
      prepare: (site: Site, job: J, lanes: number, signal: AbortSignal) => Promise<Prepared>,
    ) =>
    (job: J, lanes: number) =>
      withHeartbeat(CONTROL_BUDGETS, { everyFewSeconds: true }, async ({ signal }) => {
        const site = await tools.sites.get(job, signal);
        return prepare(site, job, lanes, signal);
      });

  const commit = (write: (tools: CommitTools) => Promise<BackupResult>) => (job: Job, unit: Unit) =>
    withHeartbeat(CONTROL_BUDGETS, { everyFewSeconds: true }, async ({ signal, beat }) => {
      const site = await tools.sites.get(job, signal);
      const report = (phase: string) => beat({ phase });
      return write({ site, job, unit, holder: await holderOfActivity(), signal, report });
    });

  return {
    planEpochEndings: plan(prepareEpochEndings),
    planStateSnapshot: plan(prepareStateSnapshot),
    planTransactions: plan(prepareTransactions),
    commitEpochEndings: commit(commitEpochEndings),
    commitStateSnapshot: commit(commitStateSnapshot),
    commitTransactions: commit(commitTransactions),
  };
}
