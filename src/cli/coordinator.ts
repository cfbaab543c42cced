import type { Client } from '@temporalio/client';
import { findCoordinator } from '../client/coordinator.js';
import { Overseer } from '../client/overseer.js';
import { describeGoing } from '../client/stuck.js';
import { dataFolder } from '../data-folder.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
import { openTemporal } from '../temporal/connection.js';
import { workersPoll } from '../temporal/pollers.js';
import { type CommonFlags, storageOf } from './options.js';
import { describeStatus } from './status-board.js';

const say = (line: string) => process.stderr.write(`${line}\n`);
/** Longest wait for an answer of the coordinator. */
const ANSWER_MS = 30_000;

/** `status`: what the coordinator does, now. */
export async function showStatus(flags: CommonFlags): Promise<void> {
  await withCoordinator(flags, async (client, workflowId) => {
    const status = await new Overseer(client, workflowId).read();
    const text = () => describeStatus(status, Date.now()).join('\n');
    console.log(flags.json ? JSON.stringify(status) : text());
  });
}

/** Sends one of the coordinator's updates and prints its answer. */
export async function tellCoordinator(
  flags: CommonFlags,
  update: string,
  argument?: unknown,
): Promise<void> {
  await withCoordinator(flags, async (client, workflowId) => {
    await describeGoing(client, workflowId);
    const handle = client.workflow.getHandle(workflowId);
    const answer = await handle.executeUpdate<unknown, [unknown]>(update, { args: [argument] });
    console.log(flags.json || typeof answer !== 'string' ? JSON.stringify(answer) : answer);
  });
}

/** Asks a coordinator; only a worker can answer for it. */
export async function withCoordinator<T>(
  flags: CommonFlags,
  ask: (client: Client, workflowId: string) => Promise<T>,
): Promise<T> {
  const session = await openTemporal({ dataFolder: dataFolder(flags.dataDir), say });
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
