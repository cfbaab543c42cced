import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { findCoordinator, listCoordinators } from '../client/live-status.js';
import { Overseer } from '../client/overseer.js';
import { listBlocked } from '../client/start-backup.js';
import { describeGoing } from '../client/stuck.js';
import { tellWorkflow } from '../client/tell-workflow.js';
import { CONTROL_QUEUE, UPDATE_RETRY } from '../contract/messages.js';
import { workersPoll } from '../temporal/pollers.js';
import { withNotifications } from './notification-status.js';
import { openSession } from './open-session.js';
import { type CommonFlags, namesStorage, storageOf } from './options.js';
import { describeStatus } from './status-board.js';

/** Longest wait for an answer of the coordinator. */
const ANSWER_MS = 30_000;

/** `status`: shows what the coordinator does now. */
export async function showStatus(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const read = await new Overseer(client, workflowId).read();
    const status = withNotifications(flags, workflowId)(read);
    const text = () => describeStatus(status, Date.now()).join('\n');
    console.log(flags.json ? JSON.stringify(status) : text());
  });
}

/** Sends one of the coordinator's updates and prints its answer. */
export async function tellCoordinator(
  flags: CommonFlags,
  signal: AbortSignal,
  update: string,
  argument?: unknown,
): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const answer = await tellWorkflow(client, workflowId, update, argument);
    console.log(flags.json || typeof answer !== 'string' ? JSON.stringify(answer) : answer);
  });
}

/**
 * `retry` without a unit: retries everything on this server that waits for its next try, in running
 * coordinators and in backups that anybody started.
 */
export async function retryAll(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const find = async (client: Client) => [
    ...(await listCoordinators(client)),
    ...(await listBlocked(client)),
  ];
  await withWorkflows(flags, signal, find, async (client, workflowIds) => {
    let again = 0;
    for (const workflowId of workflowIds) {
      again += await retryOne(client, workflowId);
    }
    console.log(JSON.stringify(again));
  });
}

/** Returns how much one workflow tries again; 0 if it has ended since it was listed. */
async function retryOne(client: Client, workflowId: string): Promise<number> {
  await describeGoing(client, workflowId);
  try {
    return await client.workflow.getHandle(workflowId).executeUpdate<number, []>(UPDATE_RETRY);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 0;
    throw error;
  }
}

/** Asks a coordinator. Only a worker can answer for it. */
export async function withCoordinator<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  ask: (client: Client, workflowId: string) => Promise<T>,
): Promise<T> {
  const storage = namesStorage(flags) ? storageOf(flags) : undefined;
  const find = async (client: Client) => [await findCoordinator(client, storage)];
  return withWorkflows(flags, signal, find, (client, [workflowId]) => ask(client, workflowId!));
}

async function withWorkflows<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  find: (client: Client) => Promise<string[]>,
  ask: (client: Client, workflowIds: string[]) => Promise<T>,
): Promise<T> {
  const session = await openSession(flags, signal);
  const { client, connection, namespace, embedded } = session;
  try {
    const workflowIds = await find(client);
    if (workflowIds.length > 0 && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      const start = embedded ? 'aptos-backup up' : 'aptos-backup worker';
      throw new Error(
        `${workflowIds[0]} cannot answer, because no worker runs; start one with: ${start}`,
      );
    }
    return await client.withDeadline(Date.now() + ANSWER_MS, () => ask(client, workflowIds));
  } finally {
    await session.close();
  }
}
