import { requirePlanned } from '../site/chain-anchor.js';
import { commitUnit } from '../backup/commit/commit.js';
import { Learnt } from '../backup/plan/learnt.js';
import { prepareUnit } from '../backup/plan/prepare.js';
import type { Site } from '../site/site.js';
import type { Job } from '../contract/job.js';
import type { BackupResult, Prepared, Unit } from '../contract/unit.js';
import { holderOfActivity } from './holder.js';
import { currentHeart } from './heartbeat.js';
import { onNode } from './on-node.js';
import type { Sites } from './sites.js';

export type UnitActivities = ReturnType<typeof createUnitActivities>;

/** Activities of the control queue and the apart queue that plan and commit whole units. */
export function createUnitActivities(tools: { sites: Sites }) {
  return {
    planUnit(job: Job, lanes: number): Promise<Prepared> {
      const { signal } = currentHeart();
      return onNode(tools.sites, job, (site) =>
        learning(site, (learnt) => prepareUnit(site, job, { lanes, learnt, signal })),
      );
    },

    commitUnit(job: Job, unit: Unit): Promise<BackupResult> {
      const { signal, reached, beat } = currentHeart();
      return onNode(tools.sites, job, async (site) => {
        await requirePlanned(site);
        await site.storage.requireFit(); // it writes, so it comes after
        const report = (phase: string) => beat({ phase });
        const holder = await holderOfActivity();
        return commitUnit({ site, job, unit, holder, signal, report, reached });
      });
    },
  };
}

/** Keeps for the next attempt what a plan learns from its node. Each new answer counts as progress. */
async function learning<T>(site: Site, plan: (learnt: Learnt) => Promise<T>): Promise<T> {
  const { series, reached } = currentHeart();
  const learnt = Learnt.from(site.address, series.learnt);
  series.learnt = learnt.kept;
  try {
    return await plan(learnt);
  } finally {
    reached(site.history.verified + learnt.size);
  }
}
