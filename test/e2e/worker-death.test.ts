/** A worker that dies: what it had in hand is reported at once, and why is left to be read. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { contentOf, fetchBytes } from '../support/backup.js';
import { startSite } from '../support/site.js';
import { until } from '../support/temporal.js';

const TRANSACTIONS = 2_000;

interface CrashReport {
  pid: number;
  how: string;
  working_on: { activity: string; range?: string; workflowId: string; attempt: number }[];
}

it.each([
  ['SIGKILL', 'was killed by SIGKILL'],
  ['SIGSEGV', 'was killed by SIGSEGV'],
  ['SIGSTOP', 'did not answer for 20 s and was killed'],
] as const)('%s', async (signal, how) => {
  const site = await startSite({ transactions: TRANSACTIONS });
  const { node, folder, worker, session } = site;
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 20_000 });
  const range = { start_version: 0, num_transactions: TRANSACTIONS };
  const handle = await site.start('transaction', range);
  const segment = session.client.workflow.getHandle(`${handle.workflowId}/segment/00001`);
  const pending = async () => {
    const { raw } = await segment.describe();
    return raw.pendingActivities ?? [];
  };
  await until('ranges are on their way', async () => {
    const activities = await pending().catch(() => []);
    return activities.length === 4 && activities.every(({ lastHeartbeatTime: at }) => at);
  });
  const victim = worker.pid('chunks')!;
  process.kill(victim, signal);

  // The server knows it from the supervisor, with what to tell people; a timeout says something else.
  await until('each is tried again for that reason', async () => {
    const failures = (await pending()).map(({ lastFailure }) => lastFailure);
    return failures.filter((f) => f?.applicationFailureInfo?.type === 'WORKER_DIED').length === 4;
  });
  const [told] = await pending();
  expect(told!.lastFailure!.message).toMatch(
    new RegExp(`^worker process ${victim} on .* ${how}; report: `),
  );
  const crashes = join(session.dataFolder, 'crashes');
  const [file] = readdirSync(crashes);
  const report = JSON.parse(readFileSync(join(crashes, file!), 'utf8')) as CrashReport;
  expect(report).toMatchObject({ pid: victim, how });
  const ranges = report.working_on.filter(({ activity }) => activity === 'backUpRange');
  expect(ranges).toHaveLength(4);
  expect(ranges[0]).toMatchObject({ workflowId: segment.workflowId, attempt: 1 });
  expect(ranges.every(({ range }) => /^\d+ to \d+$/.test(range ?? ''))).toBe(true);

  node.clearFaults();
  const result = await handle.result();
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
});
