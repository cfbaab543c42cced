import type { Client } from '@temporalio/client';
import type { PollingWorker } from '../contract/answers/page-answers.js';
import { APART_QUEUE, CHUNK_QUEUE, CONTROL_QUEUE } from '../contract/messages.js';
import { lastPolls } from '../temporal/pollers.js';

const QUEUES = [
  ['workflows', CONTROL_QUEUE],
  ['chunks', CHUNK_QUEUE],
  ['apart', APART_QUEUE],
] as const;

/** The worker processes of all hosts that have lately asked the server for work. */
export async function pollingWorkers(client: Client): Promise<PollingWorker[]> {
  const all = await Promise.all(
    QUEUES.map(async ([worksOn, queue]) => {
      const polls = await lastPolls(client, client.options.namespace, queue);
      return polls.map(({ identity, at }) => ({
        ...{ works_on: worksOn, identity, asked_at: at.toISOString() },
      }));
    }),
  );
  return all.flat();
}
