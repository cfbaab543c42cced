/** Who holds a lease: all that works for one workflow, or one of its lanes. */
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Holder } from '../../src/repository/lease.js';
import { holderOfActivity } from '../../src/activities/holder.js';

const describeNamespace = () => Promise.resolve({ namespaceInfo: { id: 'id-of-a-namespace' } });
const client = {
  options: { namespace: 'one' },
  workflowService: { describeNamespace },
  withAbortSignal: (_: AbortSignal, work: () => unknown) => work(),
} as unknown as Client;

function holderOf(
  activityId: string,
  attempt: number,
  options?: { ofLane: boolean },
): Promise<Holder> {
  const workflowExecution = { workflowId: 'a copy', runId: 'r' };
  const info = { activityId, attempt, workflowExecution };
  return new MockActivityEnvironment(info, { client }).run(() => holderOfActivity(options));
}

it('activities of one workflow are one holder, unless they are its lanes', async () => {
  const first = await holderOf('1', 1);
  expect(first).toMatchObject({ owner: 'id-of-a-namespace/a copy', workflow: 'a copy' });
  expect((await holderOf('2', 1)).owner).toBe(first.owner);

  const lane = await holderOf('1', 1, { ofLane: true });
  expect((await holderOf('1', 2, { ofLane: true })).owner).toBe(lane.owner);
  expect((await holderOf('2', 1, { ofLane: true })).owner).not.toBe(lane.owner);
});
