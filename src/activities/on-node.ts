import { Context } from '@temporalio/activity';
import { disproved, nodeFault } from '../site/node-fault.js';
import type { Site } from '../site/site.js';
import type { JobSettings } from '../contract/job.js';
import { type Lie, newestLies, withLies } from '../contract/lies.js';
import { FailedOnNode } from './activity-failure.js';
import { currentHeart } from './heartbeat.js';
import type { Sites } from './sites.js';

/**
 * Runs one attempt of an activity with the first of the job's nodes that does not rest. A failure of the
 * node sends it to rest, so that the next attempt takes another node, in whatever process it runs. Adds
 * to the result the lies that attempts of this activity met.
 * @throws FailedOnNode for a failure of one of several nodes, else what `body` throws
 */
export async function onNode<T extends { lies?: Lie[] | undefined }>(
  sites: Sites,
  settings: JobSettings,
  body: (site: Site) => Promise<T>,
): Promise<T> {
  const { nodes } = settings;
  const { signal, series } = currentHeart();
  const rests = sites.rests(settings);
  rests.adopt(series.rests);
  const begun = Date.now();
  const node = rests.pick(nodes, begun);
  const unlimit = sites.gates.limit(node, settings.nodeLimits, () => Context.current().client);
  try {
    const result = await body(await sites.get(settings, node, signal));
    rests.succeeded(node, begun);
    const others = series.rests.filter((rest) => rest.node !== node && nodes.includes(rest.node));
    const told = disproved(others).map((rest) => ({ node: rest.node, why: rest.why, at: rest.at }));
    return { ...result, ...withLies(result.lies, series.lies, told) };
  } catch (error) {
    const fault = signal.aborted ? undefined : nodeFault(error);
    if (!fault) throw error;
    // Another node may have been put in its place.
    if (fault.code === 'CHAIN_MISMATCH') sites.forget(settings, node);
    const now = Date.now();
    if (fault.lie) {
      series.lies = newestLies(series.lies, [{ node, why: fault.why, at: now }]);
    }
    if (nodes.length === 1) throw error;
    const { at, until } = rests.failed(node, fault, begun, now);
    const tried = series.rests.filter((rest) => rest.node !== node);
    series.rests = [...tried, { ...fault, node, at, until }];
    const well = nodes.filter((other) => rests.isWell(other, now));
    // Another activity may have met the fault of a node that this one never asked.
    const byNeighbours = rests
      .resting(nodes, now)
      .filter((rest) => rest.node !== node && !tried.some((known) => known.node === rest.node));
    throw new FailedOnNode(error as Error, node, {
      well: well.length > 0,
      untried: well.some((other) => !tried.some((rest) => rest.node === other)),
      failed: [...tried, ...byNeighbours].filter((rest) => nodes.includes(rest.node)),
    });
  } finally {
    unlimit();
  }
}
