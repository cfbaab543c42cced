/** A chunk or a plan that kills every worker: it goes into quarantine alone, and everything else goes on. */
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { listBlocked } from '../../src/client/start-backup.js';
import { APART_QUEUE } from '../../src/contract/messages.js';
import type { WorkerGroup, WorkerRole } from '../../src/supervisor/worker-group.js';
import { committedNames, contentOf, fetchBytes, namesBelow } from '../support/backup.js';
import { runCli } from '../support/cli.js';
import { deadlyProxy } from '../support/deadly-proxy.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';
import type { BackupStatus } from '../../src/contract/answers/backup-answers.js';

const TRANSACTIONS = 1_000;
const DEADLY_VERSION = 500;

const isOfDeadlyVersion = (path: string) => {
  const [, endpoint, start, count] = path.split('/');
  const first = Number(start);
  const inside = first <= DEADLY_VERSION && DEADLY_VERSION < first + Number(count);
  return endpoint === 'transactions' && inside;
};
/** The first sample of the plan of the unit from 401 on. */
const isOfDeadlyPlan = (path: string) => path === '/transactions/401/32';

/** A site whose node kills each process of this role that asks for certain data. */
async function startDeadlySite(
  isDeadly = isOfDeadlyVersion,
  victims: WorkerRole[] = ['chunks', 'apart'],
) {
  const site = await startSite({ transactions: TRANSACTIONS });
  const { node, worker } = site;
  let armed = true;
  const proxy = await deadlyProxy(
    node.address,
    (path) => armed && isDeadly(path),
    () => victims.map((role) => worker.pid(role)),
  );
  const disarm = () => (armed = false);
  return { ...site, proxy, disarm };
}

/** A coordinator of such a site, with a unit from 401 to 800. */
async function follow({ session, proxy, folder, node }: Site) {
  const { workflowId } = await ensureCoordinator(session.client, {
    node: proxy.address,
    storage: { local_fs_dir: folder },
    transaction_batch_size: 400,
    transaction_batch_seconds: 5,
    trust_waypoints: [node.facts().genesis_waypoint],
  });
  return workflowId;
}

function storedAllElse({ node }: Site, { streams }: LiveStatus): boolean {
  const { version, epoch } = node.facts();
  const { epoch_ending: epochs, state_snapshot: state, transaction } = streams;
  return (
    transaction.failed.length === 1 &&
    transaction.newest === `${version}` &&
    epochs.newest === `${epoch - 1}` &&
    state.newest === `${epoch - 1}`
  );
}

type Site = Awaited<ReturnType<typeof startDeadlySite>>;
const stateOf = (worker: WorkerGroup, which: WorkerRole) =>
  worker.states().find(({ role }) => role === which)!;
const deadlyNotes = (folder: string) =>
  namesBelow(folder).filter((name) => name.endsWith('.deadly'));

it('a chunk that kills its worker is tried among others, then apart, then waits for a retry', async () => {
  const site = await startDeadlySite();
  const { node, folder, worker, proxy, session } = site;
  const workflows = worker.pid('workflows');
  const range = { node: proxy.address, start_version: 0, num_transactions: TRANSACTIONS };
  const handle = await site.start('transaction', range, { when_blocked: 'wait' });
  const status = () => handle.query<BackupStatus>('status');
  await until('it is blocked', async () => (await status()).phase === 'blocked', 200_000);

  const { failed, done, ranges_total: rangesTotal } = await status();
  expect(failed).toMatchObject([{ quarantined: true }]);
  expect(failed[0]!.reason).toMatch(/it killed its worker 3 times in a row.*quarantine/);
  const [first, last] = failed[0]!.range.split('-').map(Number);
  expect(first).toBeLessThanOrEqual(DEADLY_VERSION);
  expect(last).toBeGreaterThanOrEqual(DEADLY_VERSION);
  expect(done.ranges).toBe(rangesTotal - 1);
  expect(proxy.kills).toHaveLength(6);
  // Nothing incomplete is committed, and the workflow worker has not been touched.
  expect(committedNames(folder)).toEqual([]);
  expect(worker.pid('workflows')).toBe(workflows);

  site.disarm();
  await until('it is listed', async () => (await listBlocked(session.client)).length === 1);
  const { code, out } = await runCli(['retry', '--data-dir', session.dataFolder]);
  expect({ code, out }).toEqual({ code: 0, out: '1 failed unit is tried again now.\n' });
  const result = await handle.result();
  // It never runs among others again.
  const { events } = await handle.fetchHistory();
  const asked = events!.findIndex((e) => e.workflowExecutionUpdateAcceptedEventAttributes);
  const queues = events!
    .slice(asked)
    .map((event) => event.activityTaskScheduledEventAttributes)
    .filter((scheduled) => scheduled?.activityType?.name === 'backUpRange')
    .map((scheduled) => scheduled?.taskQueue?.name);
  expect(queues).toEqual([APART_QUEUE]);
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/transactions/0/${TRANSACTIONS}`),
  );
}, 600_000);

it('a chunk that kills its worker delays neither later batches nor other streams', async () => {
  const site = await startDeadlySite();
  const { folder, session, proxy } = site;
  const workflowId = await follow(site);
  const status = () => readCoordinator(session.client, workflowId);
  const isStored = async () => {
    const seen = await status().catch(() => undefined); // its worker may just be dead
    return seen !== undefined && storedAllElse(site, seen);
  };
  await until('everything else is stored', isStored, 150_000);
  const { streams, alarms } = await status();
  const [failed] = streams.transaction.failed;
  expect(failed).toMatchObject({ unit: 'transaction/401-800', attempts: 1 });
  expect(failed!.reason).toMatch(/it killed its worker 3 times in a row.*quarantine/);
  expect(Date.parse(failed!.retry_at) - Date.now()).toBeGreaterThan(5 * 60_000);
  expect(streams.transaction.holes).toEqual([{ first: '401', last: '800' }]);
  expect(alarms.map(({ code }) => code)).toContain('FAILED_transaction');

  // The next try costs only the apart worker.
  const { restarts } = stateOf(site.worker, 'chunks');
  const before = proxy.kills.length;
  const coordinator = session.client.workflow.getHandle(workflowId);
  await coordinator.executeUpdate('retry');
  const attempts = async () => (await status()).streams.transaction.failed[0]?.attempts;
  await until('it has failed again', async () => (await attempts()) === 2, 150_000);
  expect(proxy.kills.length - before).toBe(3);
  expect(stateOf(site.worker, 'chunks').restarts).toBe(restarts);
  expect(deadlyNotes(folder)).toHaveLength(1);

  site.disarm();
  await coordinator.executeUpdate('retry');
  await until('the hole is filled', async () => {
    const { transaction } = (await status()).streams;
    return transaction.holes.length === 0 && transaction.failed.length === 0;
  });
  expect(deadlyNotes(folder)).toEqual([]);
}, 600_000);

it('a plan in quarantine waits for a retry, and is never again tried among others', async () => {
  const site = await startDeadlySite(isOfDeadlyPlan, ['workflows', 'apart']);
  const { worker, proxy, session } = site;
  const range = { node: proxy.address, start_version: 401, num_transactions: 400 };
  const handle = await site.start('transaction', range, { when_blocked: 'wait' });
  const isBlocked = async () => {
    const status = await handle.query<BackupStatus>('status').catch(() => undefined);
    return status?.phase === 'blocked' && /quarantine/.test(status.waiting_for ?? '');
  };
  await until('it is blocked', isBlocked, 200_000);
  const { restarts } = stateOf(worker, 'workflows');
  expect(proxy.kills).toHaveLength(6);

  site.disarm();
  await until('it is listed', async () => (await listBlocked(session.client)).length === 1);
  const { code, out } = await runCli(['retry', '--data-dir', session.dataFolder]);
  expect({ code, out }).toEqual({ code: 0, out: '1 failed unit is tried again now.\n' });
  expect(await handle.result()).toMatchObject({ records: '400' });
  expect(stateOf(worker, 'workflows').restarts).toBe(restarts);
}, 600_000);

it('a plan that kills the workflow worker does so three times, and delays nothing else', async () => {
  const site = await startDeadlySite(isOfDeadlyPlan, ['workflows', 'apart']);
  const { session, proxy, worker } = site;
  const workflowId = await follow(site);
  const status = () => readCoordinator(session.client, workflowId);
  await until('everything else is stored', async () => {
    const seen = await status().catch(() => undefined); // its worker may just be dead
    return seen !== undefined && storedAllElse(site, seen);
  });
  expect((await status()).streams.transaction.failed).toMatchObject([
    { unit: 'transaction/401-800', code: 'QUARANTINED', attempts: 1 },
  ]);
  expect((await status()).streams.transaction.quarantined).toEqual(['transaction/401-800']);
  expect(proxy.kills).toHaveLength(6);
  expect(stateOf(worker, 'workflows').restarts).toBe(3);

  site.disarm();
  await session.client.workflow.getHandle(workflowId).executeUpdate('retry');
  await until('the hole is filled', async () => {
    const { transaction } = (await status()).streams;
    return transaction.holes.length === 0 && transaction.failed.length === 0;
  });
}, 600_000);
