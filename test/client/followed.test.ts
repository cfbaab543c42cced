/** Of several coordinators, those that are silent do not add up the time that a command waits for each. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { listFollowed } from '../../src/client/followed.js';
import { until } from '../support/until.js';

it('all coordinators are asked at the same time', async () => {
  const ids = ['a', 'b', 'c'].map((name) => `aptos-backup/${name}/coordinator`);
  let asked = 0;
  const handleOf = (workflowId: string) => ({
    async describe() {
      asked += 1;
      await until('the others are asked, too', () => asked === ids.length, 10_000);
      throw new WorkflowNotFoundError('it has ended', workflowId, undefined);
    },
  });
  const list = () => ids.map((workflowId) => ({ workflowId }));
  const client = { workflow: { list, getHandle: handleOf } } as unknown as Client;
  expect(await listFollowed(client, true)).toEqual([]);
});
