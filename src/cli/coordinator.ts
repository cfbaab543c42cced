import type { Client } from '@temporalio/client';
import { findCoordinator } from '../client/coordinator.js';
import { Overseer } from '../client/overseer.js';
import { describeGoing } from '../client/stuck.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
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

/** Asks a coordinator; only a worker can answer for it. */
export async function withCoordinator<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  ask: (client: Client, workflowId: string) => Promise<T>,
): Promise<T> {
  const session = await openSession(flags, signal);
  const { client, connection, namespace, embedded } = session;
  try {
    const storage = flags.localFsDir === undefined ? undefined : storageOf(flags);
    const workflowId = await findCoordinator(client, storage);
    if (!(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      const start = embedded ? 'aptos-backup up' : 'aptos-backup worker';
      throw new Error(`${workflowId} rests: no worker is there; start it with: ${start}`);
    }
    return await client.withDeadline(Date.now() + ANSWER_MS, () => ask(client, workflowId));
  } finally {
    await session.close();
  }
}
