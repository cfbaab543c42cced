/** A worker that stops gives up at once the units that it waits for. */
import { expect, it } from 'vitest';
import { ensureCoordinator } from '../../src/client/live-status.js';
import type { FaultInput } from '../../src/devnode/faults.js';
import { pendingActivities } from '../../src/client/progress.js';
import { storageId } from '../../src/storage/open.js';
import { type Target, workflowIdOf } from '../../src/contract/job.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

/** A coordinator with a unit that takes for ever. */
async function startWorking(endpoint: FaultInput['endpoint'], target: Target) {
  const site = await startSite({
    transactions: 600,
  });
  const { node, session, folder } = site;
  node.fault({ kind: 'slow', endpoint, probability: 1 });
  const storage = { local_fs_dir: folder };
  const { workflowId } = await ensureCoordinator(session.client, {
    node: node.address,
    storage,
    transaction_batch_size: 500,
  });
  const unit = session.client.workflow.getHandle(workflowIdOf(storageId(storage), target));
  const statusOf = () => unit.describe().then(({ status }) => status.name);
  await until('a unit is worked on', async () => (await statusOf().catch(() => '')) === 'RUNNING');
  return { ...site, coordinator: session.client.workflow.getHandle(workflowId), statusOf };
}

it('a worker that stops hands back the units that it waits for, and they go on', async () => {
  const target = { type: 'transaction', first: '1', last: '500' } as const;
  const { coordinator, worker, statusOf } = await startWorking('transactions', target);
  await worker.stop();
  const { raw } = await coordinator.describe();
  // One that was scheduled while the worker stopped was never begun: nobody had it in hand.
  const waiting = pendingActivities<{ workflow_id: string }>(raw).filter(
    ({ what, beat }) => what === 'backUpUnit' && beat.workflow_id !== undefined,
  );
  expect(waiting.length).toBeGreaterThan(0);
  for (const { reason } of waiting) expect(reason).toMatch(/was told to stop/);
  expect(await statusOf()).toBe('RUNNING');
});
