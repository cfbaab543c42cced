import type { Client } from '@temporalio/client';
import { findCoordinator, listCoordinators } from '../client/coordinator.js';
import { Overseer } from '../client/overseer.js';
import { listBlocked } from '../client/start.js';
import { describeGoing } from '../client/stuck.js';
import { CONTROL_QUEUE, UPDATE_RETRY } from '../plan/messages.js';
import { workersPoll } from '../temporal/pollers.js';
import { openSession } from './open-session.js';
import { type CommonFlags, storageOf } from './options.js';
import { describeStatus } from './status-board.js';

/** Longest wait for an answer of the coordinator. */
const ANSWER_MS = 30_000;

/** `status`: what the coordinator does, now. */
export async function showStatus(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const status = await new Overseer(client, workflowId).read();
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
    await describeGoing(client, workflowId);
    const handle = client.workflow.getHandle(workflowId);
    const answer = await handle.executeUpdate<unknown, [unknown]>(update, { args: [argument] });
    console.log(flags.json || typeof answer !== 'string' ? JSON.stringify(answer) : answer);
  });
}

/**
 * `retry` without a unit: whatever waits on this server for another try, of the coordinators that run and
 * of backups that somebody else started.
 */
export async function retryAll(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const find = async (client: Client) => [
    ...(await listCoordinators(client)),
    ...(await listBlocked(client)),
  ];
  await withWorkflows(flags, signal, find, async (client, workflowIds) => {
    let again = 0;
    for (const workflowId of workflowIds) {
      await describeGoing(client, workflowId);
      again += await client.workflow.getHandle(workflowId).executeUpdate<number, []>(UPDATE_RETRY);
    }
    console.log(JSON.stringify(again));
  });
}

/** Asks a coordinator; only a worker can answer for it. */
export async function withCoordinator<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  ask: (client: Client, workflowId: string) => Promise<T>,
): Promise<T> {
  const storage = flags.localFsDir === undefined ? undefined : storageOf(flags);
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
      throw new Error(`${workflowIds[0]} rests: no worker is there; start it with: ${start}`);
    }
    return await client.withDeadline(Date.now() + ANSWER_MS, () => ask(client, workflowIds));
  } finally {
    await session.close();
  }
}
