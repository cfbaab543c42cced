import { requireSameChain } from '../backup/chain-anchor.js';
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
import { CONTROL_BUDGETS, MOST_DEATHS } from './failures.js';
import { withHeartbeat } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

export type UnitActivities = ReturnType<typeof createUnitActivities>;

/** Activities of the control queue, and of the one apart: they plan and commit whole units. */
export function createUnitActivities(tools: { sites: Sites }) {
  const plan =
    <J extends Job>(
      prepare: (site: Site, job: J, lanes: number, signal: AbortSignal) => Promise<Prepared>,
    ) =>
    (job: J, lanes: number) =>
      withHeartbeat(
        CONTROL_BUDGETS,
        (heart) =>
          onNode(tools.sites, job, heart, (site) => prepare(site, job, lanes, heart.signal)),
        { most: MOST_DEATHS },
      );

  const commit = (write: (tools: CommitTools) => Promise<BackupResult>) => (job: Job, unit: Unit) =>
    withHeartbeat(
      CONTROL_BUDGETS,
      (heart) =>
        onNode(tools.sites, job, heart, async (site) => {
          const { signal } = heart;
          await requireSameChain(site, signal);
          const report = (phase: string) => heart.beat({ phase });
          return write({ site, job, unit, holder: await holderOfActivity(), signal, report });
        }),
      { most: MOST_DEATHS },
    );

  return {
    planEpochEndings: plan(prepareEpochEndings),
    planStateSnapshot: plan(prepareStateSnapshot),
    planTransactions: plan(prepareTransactions),
    commitEpochEndings: commit(commitEpochEndings),
    commitStateSnapshot: commit(commitStateSnapshot),
    commitTransactions: commit(commitTransactions),
  };
}
