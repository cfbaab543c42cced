import { nodeFault } from '../backup/node-fault.js';
import type { Site } from '../backup/site.js';
import type { JobSettings } from '../plan/job.js';
import { type Lie, newestLies, withLies } from '../plan/lies.js';
import { FailedOnNode } from './failures.js';
import type { Heart } from './heartbeat.js';
import type { Sites } from './sites.js';

/**
 * Runs one attempt of an activity with one of the job's nodes: the first that does not rest. What goes
 * wrong with the node sends it to rest, so that the next attempt, wherever it runs, takes another. The
 * result has the lies that attempts of this activity met.
 * @throws FailedOnNode with what counts against one of several nodes, else what `body` throws
 */
export async function onNode<T extends { lies?: Lie[] }>(
  sites: Sites,
  settings: JobSettings,
  heart: Heart,
  body: (site: Site) => Promise<T>,
): Promise<T> {
  const { nodes } = settings;
  const { signal, series } = heart;
  const rests = sites.rests(settings);
  rests.adopt(series.rests);
  const begun = Date.now();
  const node = rests.pick(nodes, begun);
  try {
    const result = await body(await sites.get(settings, node, signal));
    rests.succeeded(node, begun);
    return { ...result, ...withLies(result.lies, series.lies) };
  } catch (error) {
    const fault = signal.aborted ? undefined : nodeFault(error);
    if (!fault) throw error;
    // It may be another node, put in its place.
    if (fault.code === 'CHAIN_MISMATCH') sites.forget(settings, node);
    const now = Date.now();
    if (fault.lie) {
      series.lies = newestLies(series.lies, [{ node, why: fault.why, at: now }]);
    }
    if (nodes.length === 1) throw error;
    const { at, until } = rests.failed(node, fault, begun, now);
    const failed = series.rests.filter((rest) => rest.node !== node);
    series.rests = [...failed, { ...fault, node, at, until }];
    const well = nodes.filter((other) => rests.isWell(other, now));
    throw new FailedOnNode(error as Error, node, {
      well: well.length > 0,
      untried: well.some((other) => !failed.some((rest) => rest.node === other)),
      failed: failed.filter((rest) => nodes.includes(rest.node)),
    });
  }
}
