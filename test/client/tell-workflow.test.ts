/** What commands, the page and a configuration file say of a message that no worker answers. */
import { type Client, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { messageOf } from '../../src/client/command-failure.js';
import { tellWorkflow } from '../../src/client/tell-workflow.js';

it('a coordinator that does not answer is told in words, and that it may still do it', async () => {
  const handle = {
    describe: () => Promise.resolve({ raw: {} }),
    executeUpdate: () =>
      Promise.reject(new WorkflowUpdateRPCTimeoutOrCancelledError('4 DEADLINE_EXCEEDED')),
  };
  const client = { workflow: { getHandle: () => handle } } as unknown as Client;
  const told = await tellWorkflow(client, 'a/coordinator', 'pause').catch(messageOf);
  expect(told).toMatch(
    /^a\/coordinator does not answer in time: its workers are dead.* It may still be done/,
  );
});
