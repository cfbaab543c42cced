/**
 * A query waits for a worker while a workflow's activities end. With a cache of workflows, the next
 * worker answers it from events that no workflow task has seen, and keeps that state. Then no later task
 * can be replayed.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TASK_QUEUE, createWorker } from './late-query/create-worker.js';
import { quietRuntime, startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

const WORKER = fileURLToPath(new URL('late-query/worker.ts', import.meta.url));

const [A, B, C] = ['unit"a"', 'unit"b"', 'unit"c"'] as const;

let session: Awaited<ReturnType<typeof startTemporal>>;
let codePath: string;
beforeAll(async () => {
  quietRuntime();
  session = await startTemporal();
  const workflowsPath = fileURLToPath(new URL('late-query/workflow.ts', import.meta.url));
  const { code } = await bundleWorkflowCode({ workflowsPath });
  codePath = join(session.dataFolder, 'late-query.js');
  writeFileSync(codePath, code);
});
afterAll(() => session.close());

it('a query while no worker is there leaves a workflow as it was', async () => {
  const { client, namespace, address } = session;
  const { workflowService: service } = client;
  const first = spawn(process.execPath, ['--import', 'tsx', WORKER, address, codePath], {
    stdio: 'ignore',
  });
  const handle = await client.workflow.start('lateQuery', {
    taskQueue: TASK_QUEUE,
    workflowId: 'late-query',
  });
  const tokens = new Map<string, Uint8Array>();
  const isBegun = async (name: string) => {
    while (!tokens.has(name)) {
      const taskQueue = { name: 'late-query-activities' };
      const task = await client.withDeadline(Date.now() + 60_000, () =>
        service.pollActivityTaskQueue({ namespace, taskQueue }),
      );
      const argument = Buffer.from(task.input?.payloads?.[0]?.data ?? []).toString();
      tokens.set(`${task.activityType?.name}${argument}`, task.taskToken);
    }
  };
  const end = (name: string) =>
    service.respondActivityTaskCompleted({ namespace, taskToken: tokens.get(name)! });
  for (const name of [A, B, 'watch']) await isBegun(name);
  first.kill('SIGKILL');
  const asked = handle.query<number>('ended').catch(() => undefined);
  await sleep(1_500); // nobody can see that a query waits
  await end(A);
  const connection = await NativeConnection.connect({ address });
  const second = await createWorker(connection, codePath);
  await second.runUntil(async () => {
    await asked;
    await end(B);
    await isBegun(C);
    await end(C);
    await until('it is over', async () => (await handle.describe()).status.name === 'COMPLETED');
  });
  await connection.close();
  const history = await handle.fetchHistory();
  await expect(
    Worker.runReplayHistory({ workflowBundle: { codePath } }, history),
  ).resolves.toBeUndefined();
});
