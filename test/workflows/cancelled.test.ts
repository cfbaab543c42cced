/** A workflow that somebody cancels ends as cancelled, whatever it waits for: it has not failed, and raises no alarm. */
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONTROL_QUEUE } from '../../src/contract/messages.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { INPUT } from '../support/units.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const { node, storage } = INPUT;

it.each([
  ['transactionBackup', 'planUnit', { node, storage, start_version: 0, num_transactions: 9 }],
  ['backupDue', 'surveyStorage', { node, storage }],
  ['verifyBackups', 'planVerification', { storage }],
  ['copyBackups', 'planCopy', { from: storage, to: { local_fs_dir: '/a-copy' } }],
  ['compactMetadata', 'compactMetadata', { storage }],
  ['consolidateBackups', 'planConsolidation', { storage }],
  ['pruneBackups', 'planPrune', { storage, keep_last: 1 }],
  ['collectGarbage', 'removeGarbage', { storage }],
  ['restoreDrill', 'planDrill', { storage }],
])('%s in its activity %s', async (workflow, activity, input) => {
  let waits = false;
  const forEver = () => {
    waits = true;
    return Context.current().cancelled;
  };
  await withActivities(session, { [activity]: forEver }, async () => {
    const handle = await session.client.workflow.start(workflow, {
      ...{ workflowId: `cancelled-${workflow}`, taskQueue: CONTROL_QUEUE },
      args: [input],
    });
    await until('it waits', () => waits);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
  });
});
