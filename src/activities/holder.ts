import { hostname } from 'node:os';
import { Context } from '@temporalio/activity';
import type { Holder } from '../repository/lease.js';

const namespaces = new Map<string, Promise<string>>();

/**
 * Identifies the workflow that this activity works for: the same in every attempt and process, and
 * different on every server. `ofLane`: for an activity that its workflow runs several times at once, which would
 * otherwise take the lease from each other; its own attempts stay one holder.
 */
export async function holderOfActivity({ ofLane = false } = {}): Promise<Holder> {
  const { info, client } = Context.current();
  const namespace = client.options.namespace;
  const known = namespaces.get(namespace) ?? namespaceId(namespace);
  namespaces.set(namespace, known);
  known.catch(() => namespaces.delete(namespace));
  const workflow = info.workflowExecution?.workflowId ?? info.activityId;
  const lane = ofLane ? `/${info.activityId}` : '';
  return { owner: `${await known}/${workflow}${lane}`, host: hostname(), workflow };
}

/** The id of a namespace. Two servers may have namespaces of the same name, but not of the same id. */
async function namespaceId(namespace: string): Promise<string> {
  const { client } = Context.current();
  const { namespaceInfo } = await client.workflowService.describeNamespace({ namespace });
  return namespaceInfo?.id ?? namespace;
}
