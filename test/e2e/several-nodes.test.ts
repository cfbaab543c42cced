/** Several nodes: one that is down, behind, pruned, lying or of another chain is left for another one. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { type BackupInput, startBackup } from '../../src/client/start-backup.js';
import type { Devnode, DevnodeOptions } from '../../src/devnode/devnode.js';
import type { BackupType } from '../../src/contract/job.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { openStorage } from '../../src/storage/open.js';
import { type WorkerGroup, superviseWorkers } from '../../src/supervisor/worker-group.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, storageFolder } from '../support/backup.js';
import { expectWholeNode } from '../support/site.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';
import { choosePort } from '../../src/temporal-server/ports.js';

const CHAIN: DevnodeOptions = { seed: 5, transactions: 400, stateItems: 300, epochs: 4 };
/**
 * The same sizes everywhere. Two chains of one genesis would be a fork; they are recognised as different.
 */
const GROWTH = { transactions: 300, epochs: 1 };

let session: Awaited<ReturnType<typeof startTemporal>>;
let worker: WorkerGroup;
beforeAll(async () => {
  session = await startTemporal();
  worker = superviseWorkers({
    env: session.workerEnv,
    say: () => undefined,
    logFile: join(session.dataFolder, 'worker.log'),
  });
});
afterAll(async () => {
  await worker.stop();
  await session.close();
});

/** One backup from these nodes; fails instead of waiting. */
async function backUp(nodes: string[], folder: string, type: BackupType, range: object) {
  const input: object = {
    node: nodes,
    storage: { local_fs_dir: folder },
    max_chunk_size: 20_000,
    when_blocked: 'fail',
  };
  const handle = await startBackup(session.client, type, { ...input, ...range } as BackupInput);
  return handle.result();
}

/** All three backups of everything that `node` has, each compared with what it serves. */
async function backUpAll(nodes: string[], node: Devnode): Promise<BackupResult[]> {
  const folder = storageFolder();
  const { epoch, version } = node.facts();
  const results = await Promise.all([
    backUp(nodes, folder, 'epoch_ending', { start_epoch: 0, end_epoch: epoch }),
    backUp(nodes, folder, 'state_snapshot', { epoch: epoch - 1 }),
    backUp(nodes, folder, 'transaction', { start_version: 0, num_transactions: version + 1 }),
  ]);
  expect(results.map(({ proven }) => proven)).toEqual(['signed', 'signed', 'signed']);
  await expectWholeNode({ node, folder }, results);
  return results;
}

/** A coordinator of these nodes, until the test ends. */
async function follow(nodes: string[], folder = storageFolder()) {
  const storage = { local_fs_dir: folder };
  const { workflowId } = await ensureCoordinator(session.client, {
    node: nodes,
    storage,
    transaction_batch_size: 100,
    transaction_batch_seconds: 1,
    max_chunk_size: 20_000,
  });
  const handle = session.client.workflow.getHandle(workflowId);
  onTestFinished(async () => void (await handle.terminate()));
  const reaches = async (what: string, wanted: (status: LiveStatus) => boolean) => {
    let status: LiveStatus | undefined;
    const look = async () => {
      status = await readCoordinator(session.client, workflowId).catch(() => undefined);
      return status !== undefined && wanted(status);
    };
    await until(what, look, 120_000).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(status)}`);
    });
    return status!;
  };
  return {
    handle,
    reaches,
    stored: (version: number, epoch: number) =>
      reaches(`everything to ${version} is stored`, ({ streams }) => {
        const { state_snapshot: snapshots, transaction } = streams;
        return transaction.newest === `${version}` && snapshots.newest === `${epoch}`;
      }),
    /** The storage is whole from version 0 on. */
    async proves(version: number) {
      const found = await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] });
      expect(found).toMatchObject({
        findings: [],
        missing: { epoch_endings: [], transactions: [] },
        restorable_by_stock: { yes: true },
      });
      expect(JSON.stringify(found)).toContain(`"last":"${version}"`);
    },
  };
}

const codes = ({ alarms }: LiveStatus) => alarms.map(({ code }) => code);

it('backups go on with the next node when one is down', async () => {
  // Its port stays free: the system gives it to nobody.
  const down = await devnode({ ...CHAIN, port: await choosePort() });
  const node = await devnode(CHAIN);
  await down.close();
  const results = await backUpAll([down.address, node.address], node);
  expect(results.flatMap(({ lies }) => lies ?? [])).toEqual([]);
});

it('backups go on with the next node when the streams of one stall', async () => {
  const [stalling, node] = [await devnode(CHAIN), await devnode(CHAIN)];
  stalling.fault({ kind: 'stall', endpoint: 'transactions' });
  await backUpAll([stalling.address, node.address], node);
  // A plan and four lanes ask it, but not again and again.
  const asked = Object.keys(stalling.requests()).filter((path) => path.includes('/transactions/'));
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThanOrEqual(8);
});

it('backups go on with the next node when one lies all the time, and their results say so', async () => {
  const [liar, node] = [await devnode(CHAIN), await devnode(CHAIN)];
  liar.fault({ kind: 'lie' });
  const results = await backUpAll([liar.address, node.address], node);
  const lies = results.flatMap((result) => result.lies ?? []);
  expect(new Set(lies.map((lie) => lie.node))).toEqual(new Set([liar.address]));
});

it('backups go on with the next node when one is behind and one has pruned', async () => {
  const behind = await devnode(CHAIN);
  const pruned = await devnode({ ...CHAIN, pruneWindow: 200 });
  const node = await devnode(CHAIN);
  for (const one of [pruned, node]) one.grow(GROWTH);
  const results = await backUpAll([behind.address, pruned.address, node.address], node);
  expect(results.flatMap(({ lies }) => lies ?? [])).toEqual([]);
});

it('when all nodes lie, the backup fails and names them, and nothing is committed', async () => {
  const liars = [await devnode(CHAIN), await devnode(CHAIN)];
  for (const liar of liars) liar.fault({ kind: 'swap', endpoint: 'transactions' });
  const folder = storageFolder();
  const addresses = liars.map(({ address }) => address);
  const range = { start_version: 0, num_transactions: 300 };
  const failed = await backUp(addresses, folder, 'transaction', range).catch((error: unknown) => {
    return (error as { cause: { message: string; details: unknown[] } }).cause;
  });
  for (const address of addresses)
    expect(failed).toHaveProperty('message', expect.stringContaining(address));
  expect(JSON.stringify(failed)).toContain('"lies":');
  expect(readdirSync(join(folder, 'metadata'))).toEqual(['identity.meta']);
});

it('nodes of two chains are refused if nothing says which one is meant', async () => {
  const [one, other] = [await devnode(CHAIN), await devnode({ ...CHAIN, seed: 6 })];
  const folder = storageFolder();
  const range = { start_version: 0, num_transactions: 300 };
  const refused = backUp([one.address, other.address], folder, 'transaction', range);
  await expect(refused).rejects.toMatchObject({
    cause: {
      type: 'NODES_DISAGREE',
      message: expect.stringMatching(
        `${one.facts().genesis_waypoint}.*${other.facts().genesis_waypoint}`,
      ) as string,
    },
  });
  expect(readdirSync(folder)).toEqual([]);
});

it('a coordinator goes on with the next node when one dies, and comes back to it', async () => {
  // Outside the range of ports that the system gives to anybody: it starts again on the same one.
  const first = await devnode({ ...CHAIN, port: await choosePort() });
  const second = await devnode(CHAIN);
  first.fault({ kind: 'die', endpoint: 'transactions', times: 1 });
  const coordinator = await follow([first.address, second.address]);
  expect(codes(await coordinator.stored(400, 3))).toEqual([]);
  second.grow(GROWTH);
  const without = await coordinator.stored(700, 4);
  expect(codes(without)).toEqual([]);
  expect(without.seen?.node).toBe(second.address);
  const resting = await coordinator.reaches(
    'it says why',
    ({ seen }) => seen?.resting?.length === 1,
  );
  expect(resting.seen?.resting).toMatchObject([{ node: first.address }]);
  const back = await devnode({ ...CHAIN, port: Number(new URL(first.address).port) });
  back.grow(GROWTH);
  await coordinator.reaches('it is back', ({ seen }) => seen?.node === back.address);
  expect(codes(await coordinator.stored(700, 4))).toEqual([]);
  await coordinator.proves(700);
});

it('a coordinator stores everything when only the last of four nodes is right, and reports the lies', async () => {
  const other = await devnode({ ...CHAIN, seed: 6 });
  const liar = await devnode(CHAIN);
  liar.fault({ kind: 'swap', endpoint: 'transactions' });
  const pruned = await devnode({ ...CHAIN, pruneWindow: 150 });
  const node = await devnode(CHAIN);
  const folder = storageFolder();
  // The storage says which chain is meant.
  await backUp([node.address], folder, 'epoch_ending', { start_epoch: 0, end_epoch: 1 });
  const nodes = [other, liar, pruned, node].map(({ address }) => address);
  const coordinator = await follow(nodes, folder);
  const status = await coordinator.stored(400, 3);
  expect(codes(status)).toEqual(['NODE_LIED']);
  const { text } = status.alarms[0]!;
  for (const said of [
    other.address,
    other.facts().genesis_waypoint,
    node.facts().genesis_waypoint,
  ]) {
    expect(text).toContain(said);
  }
  expect(text).toMatch(new RegExp(`${liar.address} at 20.*fails its proof`));
  expect(healthOf(status, DEFAULT_LIMITS, Date.now()).level).toBe('warning');
  await coordinator.proves(400);
  await coordinator.handle.executeUpdate('retry', { args: [undefined] });
  await coordinator.reaches('the alarm is off', ({ alarms }) => alarms.length === 0);
});

it('a coordinator leaves a node that has pruned or that stands still for another one', async () => {
  const pruned = await devnode({ ...CHAIN, pruneWindow: 150 });
  const archive = await devnode(CHAIN);
  const coordinator = await follow([pruned.address, archive.address]);
  expect(codes(await coordinator.stored(400, 3))).toEqual([]);
  archive.grow(GROWTH);
  const status = await coordinator.stored(700, 4);
  expect(codes(status)).toEqual([]);
  expect(status.seen?.node).toBe(archive.address);
  await coordinator.proves(700);
});
