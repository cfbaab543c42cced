/** A chunk that kills every worker: it goes into quarantine alone, and everything else goes on. */
import { expect, it } from 'vitest';
import type { BackupStatus } from '../../src/plan/messages.js';
import { committedNames, contentOf, fetchBytes } from '../support/backup.js';
import { deadlyProxy } from '../support/deadly-proxy.js';
import { startSite } from '../support/site.js';
import { until } from '../support/temporal.js';

const TRANSACTIONS = 1_000;
const DEADLY_VERSION = 500;

it('is tried among others, then apart, then waits for a retry', async () => {
  const site = await startSite({ transactions: TRANSACTIONS });
  const { node, folder, worker } = site;
  let armed = true;
  const isDeadly = (path: string) => {
    const [, endpoint, start, count] = path.split('/');
    const first = Number(start);
    const inside = first <= DEADLY_VERSION && DEADLY_VERSION < first + Number(count);
    return armed && endpoint === 'transactions' && inside;
  };
  const pids = () => [worker.pid('chunks'), worker.pid('apart')];
  const proxy = await deadlyProxy(node.address, isDeadly, pids);
  const workflows = worker.pid('workflows');
  const range = { node: proxy.address, start_version: 0, num_transactions: TRANSACTIONS };
  const handle = await site.start('transaction', range, { when_blocked: 'wait' });
  const status = () => handle.query<BackupStatus>('status');
  await until('it is blocked', async () => (await status()).phase === 'blocked', 110_000);

  const { failed, done, rangesTotal } = await status();
  expect(failed).toHaveLength(1);
  expect(failed[0]!.reason).toMatch(/its worker died of it 3 times in a row.*quarantine/);
  const [first, last] = failed[0]!.range.split('-').map(Number);
  expect(first).toBeLessThanOrEqual(DEADLY_VERSION);
  expect(last).toBeGreaterThanOrEqual(DEADLY_VERSION);
  expect(done.ranges).toBe(rangesTotal - 1);
  expect(proxy.kills).toHaveLength(6);
  // Nothing that is incomplete is committed, and who decides about it all has never been touched.
  expect(committedNames(folder)).toEqual([]);
  expect(worker.pid('workflows')).toBe(workflows);

  armed = false;
  await handle.executeUpdate('retry');
  const result = await handle.result();
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
}, 240_000);
