/** Any process may die at any moment: the same backup results, and finished chunks are not fetched again. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { BackupResult } from '../../src/plan/unit.js';
import { contentOf, devnode, fetchBytes, leftovers, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { rangeRequests, startSite } from '../support/site.js';
import { openTemporal } from '../../src/temporal/connection.js';
import { until } from '../support/temporal.js';

const TRANSACTIONS = 2_000;
const RANGE = { start_version: 0, num_transactions: TRANSACTIONS };

const receipts = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.receipt'),
  ).length;

it('kill -9 of the worker, twice', async () => {
  const site = await startSite({ transactions: TRANSACTIONS });
  const { node, folder, worker } = site;
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 60_000 });
  const handle = await site.start('transaction', RANGE);
  for (const chunks of [8, 30]) {
    await until(`${chunks} chunks are stored`, () => receipts(folder) >= chunks);
    process.kill(worker.pid('chunks')!, 'SIGKILL');
    await until('another worker runs', () => worker.pid('chunks') !== undefined);
  }
  node.clearFaults();
  const result = await handle.result();
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
  expectNoRepetition(node.requests(), result, 2);
}, 240_000);

it.each([
  ['dies', 'SIGKILL'],
  ['hangs', 'SIGSTOP'],
] as const)(
  'the Temporal server %s (%s)',
  async (_, signal) => {
    const site = await startSite({ transactions: TRANSACTIONS });
    const { node, folder, session } = site;
    node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 100_000 });
    const handle = await site.start('transaction', RANGE);
    await until('chunks are stored', () => receipts(folder) >= 10);
    const state = readFileSync(join(session.dataFolder, 'temporal', 'server.json'), 'utf8');
    const { pid } = JSON.parse(state) as { pid: number };
    process.kill(pid, signal);
    node.clearFaults();
    const result = await untilDone(() => handle.result());
    expect(contentOf(folder, result).payload).toEqual(
      await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
    );
    expect(leftovers(folder)).toEqual([]);
  },
  240_000,
);

it('kill -9 of the command and its workers together; the command is then run again', async () => {
  const node = await devnode({ transactions: TRANSACTIONS });
  const folder = storageFolder();
  const data = dataFolder();
  const args = ['oneoff', '--json', '--max-chunk-size', '20000', '--local-fs-dir', folder];
  args.push('--backup-service-address', node.address, '--data-dir', data, 'transaction');
  args.push('--start-version', '0', '--num_transactions', `${TRANSACTIONS}`);
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 60_000 });
  const killed = startCli(args);
  await until('chunks are stored', () => receipts(folder) >= 10);
  killed.child.kill('SIGKILL');
  for (const pid of workerPids(killed.lines)) process.kill(pid, 'SIGKILL');
  await killed.ended;
  node.clearFaults();
  const again = startCli(args);
  expect(await again.ended).toBe(0);
  expect(await failuresIn(data)).toEqual(['WORKER_DIED']);
  const result = JSON.parse(again.lines.find((line) => line.startsWith('{'))!) as BackupResult;
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
  expectNoRepetition(node.requests(), result, 1);
}, 240_000);

function workerPids(lines: string[]): number[] {
  return lines.flatMap((line) => {
    const [, pid] = /is started: process (\d+)/.exec(line) ?? [];
    return pid === undefined ? [] : [Number(pid)];
  });
}

/** Less than a chunk a lane is asked for again after each of `deaths`. */
function expectNoRepetition(
  requests: Record<string, number>,
  result: BackupResult,
  deaths: number,
): void {
  const LANES = 4;
  const asked = rangeRequests(requests, 'transaction_range_proof');
  expect(asked.length).toBeGreaterThanOrEqual(result.chunks);
  expect(asked.length).toBeLessThanOrEqual(result.chunks + LANES * deaths);
}

/** Of what ranges failed before they were stored: a heartbeat timeout has no type. */
async function failuresIn(dataFolder: string): Promise<string[]> {
  const session = await openTemporal({ dataFolder, say: () => undefined });
  onTestFinished(() => session.close());
  const { workflow } = session.client;
  const types = new Set<string>();
  const segments: { workflowId: string; runId: string }[] = [];
  // What is listed lags behind what is.
  await until('the segments are listed', async () => {
    const listed = workflow.list({ query: 'WorkflowType = "chunkSegment"' });
    for await (const { workflowId, runId } of listed) segments.push({ workflowId, runId });
    return segments.length > 0;
  });
  for (const { workflowId, runId } of segments) {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of events ?? []) {
      const failure = event.activityTaskStartedEventAttributes?.lastFailure;
      if (failure) types.add(failure.applicationFailureInfo?.type ?? 'none');
    }
  }
  return [...types];
}

/** The client's own connection may be lost with the server. */
async function untilDone<T>(ask: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  await until(
    'the workflow is done',
    async () => {
      result = await ask().catch(() => undefined);
      return result !== undefined;
    },
    180_000,
  );
  return result!;
}
