/**
 * Any process may die at any moment: the backup is the same, and finished chunks are not fetched again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { BackupResult } from '../../src/contract/unit.js';
import {
  contentOf,
  devnode,
  fetchBytes,
  leftovers,
  namesBelow,
  storageFolder,
} from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { rangeRequests, startSite } from '../support/site.js';
import { openTemporal } from '../../src/temporal-server/open-temporal.js';
import { until } from '../support/until.js';

const TRANSACTIONS = 2_000;
const RANGE = { start_version: 0, num_transactions: TRANSACTIONS };

const receipts = (folder: string): number =>
  namesBelow(folder).filter((name) => name.endsWith('.receipt')).length;

it('a backup survives two kills of its worker and repeats no stored chunk', async () => {
  const site = await startSite({ transactions: TRANSACTIONS });
  const { node, folder, worker } = site;
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 60_000 });
  const handle = await site.start('transaction', RANGE);
  for (const chunks of [8, 30]) {
    await until(`${chunks} chunks are stored`, () => receipts(folder) >= chunks);
    const killed = worker.pid('chunks')!;
    process.kill(killed, 'SIGKILL');
    await until('another worker runs', () => ![undefined, killed].includes(worker.pid('chunks')));
  }
  node.clearFaults();
  const result = await handle.result();
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
  expectNoRepetition(node.requests(), result, 2);
});

it.each([
  ['dies', 'SIGKILL'],
  ['hangs', 'SIGSTOP'],
] as const)('a backup survives when the Temporal server %s (%s)', async (_, signal) => {
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
  await until('nothing unfinished is left', () => leftovers(folder).length === 0);
});

it('a backup goes on when its killed command is run again', async () => {
  const node = await devnode({ transactions: TRANSACTIONS });
  const folder = storageFolder();
  const data = dataFolder();
  const args = ['oneoff', '--json', '--max-chunk-size', '20000', '--local-fs-dir', folder];
  args.push('--backup-service-address', node.address, '--data-dir', data, 'transaction');
  args.push('--start-version', '0', '--num_transactions', `${TRANSACTIONS}`);
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 10_000 });
  const killed = startCli(args);
  await until('chunks are stored', () => receipts(folder) >= 10);
  // A range that begins now takes 20 seconds, so it is in hand when the processes die.
  const begun = () => rangeRequests(node.requests(), 'transactions').length;
  const before = begun();
  node.clearFaults();
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 1_000 });
  await until('a range is in hand for long', () => begun() > before);
  killed.child.kill('SIGSTOP'); // its workers must not see it end, or they hand back
  for (const pid of workerPids(killed.lines)) process.kill(pid, 'SIGKILL');
  killed.child.kill('SIGKILL');
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
});

function workerPids(lines: string[]): number[] {
  return lines.flatMap((line) => {
    const [, pid] = /is started: process (\d+)/.exec(line) ?? [];
    return pid === undefined ? [] : [Number(pid)];
  });
}

/** After each of `deaths`, less than a chunk of each lane is fetched again. */
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

/** The failures of ranges before they were stored. A heartbeat timeout has no type. */
async function failuresIn(dataFolder: string): Promise<string[]> {
  const session = await openTemporal({ dataFolder, say: () => undefined });
  onTestFinished(() => session.close());
  const { workflow } = session.client;
  const types = new Set<string>();
  const backups: { workflowId: string; runId: string }[] = [];
  // The list lags behind the state of the workflow.
  await until('the backups are listed', async () => {
    const listed = workflow.list({ query: 'WorkflowType = "transactionBackup"' });
    for await (const { workflowId, runId } of listed) backups.push({ workflowId, runId });
    return backups.length > 0;
  });
  for (const { workflowId, runId } of backups) {
    const { events } = await workflow.getHandle(workflowId, runId).fetchHistory();
    const ranges = new Set(
      (events ?? [])
        .filter((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === 'backUpRange')
        .map(({ eventId }) => eventId?.toString()),
    );
    for (const { activityTaskStartedEventAttributes: started } of events ?? []) {
      if (!started?.lastFailure || !ranges.has(started.scheduledEventId?.toString())) continue;
      types.add(started.lastFailure.applicationFailureInfo?.type ?? 'none');
    }
  }
  return [...types];
}

/** The client's own connection may break with the server. */
async function untilDone<T>(ask: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  await until('the workflow is done', async () => {
    result = await ask().catch(() => undefined);
    return result !== undefined;
  });
  return result!;
}
