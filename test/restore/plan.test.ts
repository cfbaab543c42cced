/** What a restore by the stock tool takes, how far it gets, and the commands for it: on real and on broken storages. */
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { describePlan } from '../../src/cli/print-restore.js';
import { restorePlan } from '../../src/contract/answers/restore-answers.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { rememberRestoreRates } from '../../src/repository/restore-rates.js';
import { type PlanOrder, planRestore } from '../../src/restore/plan/plan.js';
import { openStorage } from '../../src/storage/open.js';
import { devnode } from '../support/backup.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { UNSIGNED_UNTIL, UnsignedStorage, unsignedChain } from '../support/unsigned-chain.js';
import { rmSync, writeFileSync } from 'node:fs';

const PLAIN = join(STOCK, 'stock-plain');
const GENESIS = '0:56f0083d3b932905095c60c25cc29263057d475ba1e5aaa33f5b2296e98e9125';

function plan(folder: string, asked: Partial<PlanOrder> & { trust?: string[] } = {}) {
  const storage = { local_fs_dir: folder };
  const { trust = [], ...order } = asked;
  return planRestore(openStorage(storage), {
    settings: { storage, trustWaypoints: trust },
    rates: {},
    ...{ tool: 'aptos-db-tool', dbDir: '/new/db', adapterFile: '/tmp/adapter.yaml' },
    onProgress: () => undefined,
    ...order,
  });
}

describe('a whole storage of the stock tool', () => {
  it('is restored from its newest snapshot, up to its newest version', async () => {
    const found = await plan(PLAIN);
    expect(v.parse(restorePlan, JSON.parse(JSON.stringify(found)))).toEqual(found);
    expect(found).toMatchObject({
      ok: true,
      why: [],
      restores_to: { version: '250', epoch: '5' },
      tree_snapshot: { epoch: '5', version: '240', items: '300', files: 24 },
      transactions: { first: '201', last: '250', backups: 1, saved: '40', executed: '10' },
      epoch_endings: { first: '0', last: '5', backups: 3 },
    });
    expect(found.kv_snapshot).toBeUndefined();
    const sizes = [found.tree_snapshot, found.transactions, found.epoch_endings];
    expect(found.fetch!.bytes).toBe(sizes.reduce((sum, one) => sum + one!.bytes!, 0));
  });

  // logs/restore-kv-replay.log of the real tool names these backups in this order.
  it('is restored with history as the real tool did it', async () => {
    const found = await plan(PLAIN, { target: 240n, from: 138n });
    expect(found).toMatchObject({
      ok: true,
      kv_snapshot: { version: '138', manifest: 'state_epoch_3_ver_138.901c/state.manifest' },
      tree_snapshot: { version: '240', manifest: 'state_epoch_5_ver_240.d6e6/state.manifest' },
      transactions: { first: '101', last: '240', backups: 2, kv_replayed: '102', executed: '0' },
    });
    // In the second phase it reads one chunk again, that of version 240, with its proof and its manifest.
    const once = [found.tree_snapshot, found.kv_snapshot, found.transactions, found.epoch_endings];
    expect(found.fetch!.files).toBe(once.reduce((sum, one) => sum + one!.files, 0) + 3);
    expect(found.fetch!.bytes).toBeGreaterThan(once.reduce((sum, one) => sum + one!.bytes!, 0));
    expect(found.commands!.restore).toContain('--ledger-history-start-version 138');
    // As its log says: 101 to 138 are saved, and the write sets of 139 to 240 replayed.
    expect(found.time!.steps.slice(-2)).toMatchObject([
      { what: 'save transactions', amount: '38' },
      {
        what: 'replay write sets',
        amount: '102',
        rate_by: expect.stringMatching(/--kv-replay-/) as string,
      },
    ]);
    const rates = { download: 1e9, items: 1e9, save: 1e9, kvReplay: 2, execute: 1e9 };
    const timed = await plan(PLAIN, { target: 240n, from: 138n, rates });
    expect(timed.time!.seconds).toBeGreaterThan(51);
  });

  it('gives the commands for it, with no waypoint that only the storage vouches for', async () => {
    const { commands, waypoints, chain } = await plan(PLAIN);
    expect(commands!.restore.replaceAll(' \\\n  ', ' ')).toBe(
      `aptos-db-tool restore bootstrap-db --local-fs-dir ${PLAIN} --target-db-dir /new/db --target-version 250`,
    );
    expect(commands!.adapter).toBeUndefined();
    expect(chain).toMatchObject({ genesis: GENESIS, confirmed: false });
    expect(waypoints.map(({ epoch, from }) => [epoch, from])).toEqual([
      ['0', 'storage'],
      ['5', 'storage'],
    ]);
  });

  it('gives trusted waypoints to the tool', async () => {
    const found = await plan(PLAIN, { trust: [GENESIS], tool: '/bin/aptos-debugger' });
    expect(found.chain!.confirmed).toBe(true);
    expect(found.waypoints[0]).toMatchObject({ waypoint: GENESIS, from: 'given' });
    expect(found.commands!.restore).toContain(`--trust-waypoint ${GENESIS}`);
    expect(found.commands!.restore).toMatch(/^\/bin\/aptos-debugger aptos-db restore bootstrap-db/);
  });

  it('takes times from given rates, else from the last drill, and never from nowhere', async () => {
    const storage = new StorageCopy(PLAIN);
    const nowhere = await plan(storage.folder);
    expect(nowhere.time!.seconds).toBeUndefined();
    expect(nowhere.time!.steps.every(({ rate }) => rate === undefined)).toBe(true);
    expect(nowhere.disk!.by).toContain('rule of thumb');
    await rememberRestoreRates(storage.storage, {
      at: '2026-01-02T03:04:05.000Z',
      seconds: 9,
      items_per_second: 100,
      saved_per_second: 10,
      fetched_bytes: nowhere.fetch!.bytes!,
      db_bytes: 4 * nowhere.fetch!.bytes!,
    });
    const found = await plan(storage.folder, { rates: { execute: 2 } });
    expect(found.time!.seconds).toBe(3 + 4 + 5);
    expect(found.time!.steps.map((step) => step.rate_by)).toEqual([
      'the drill of 2026-01-02T03:04:05.000Z',
      'the drill of 2026-01-02T03:04:05.000Z',
      'given by --replay-rate',
    ]);
    expect(found.disk!.bytes).toBe(5e9 + 4 * found.fetch!.bytes!);
  });
});

describe('a chain with unsigned history', () => {
  async function unsigned() {
    const { node, waypoint } = await unsignedChain();
    const storage = new UnsignedStorage([waypoint]);
    const { version, epoch_ends: ends } = node.facts();
    await storage.endings(node, 0, 4);
    for (const epoch of [1, 4]) await storage.snapshot(node, epoch);
    await storage.transactions(node, 0, version);
    return { folder: storage.folder, waypoint, ends: ends.map(BigInt) };
  }

  it('is restored with the waypoint above it, and the plan says what the tool must be able to do', async () => {
    const { folder, waypoint, ends } = await unsigned();
    const below = await plan(folder, { trust: [waypoint], target: ends[1]! + 5n });
    expect(v.parse(restorePlan, JSON.parse(JSON.stringify(below)))).toEqual(below);
    expect(below).toMatchObject({ ok: true, chain: { unsigned: { first: '1', last: '2' } } });
    expect(below.waypoints.at(-1)).toEqual({
      ...{ waypoint, epoch: `${UNSIGNED_UNTIL}`, from: 'given' },
    });
    expect(below.commands!.restore).toContain(`--trust-waypoint ${waypoint}`);
    expect(below.commands!.verify).toContain(`--trust-waypoint ${waypoint}`);
    expect(below.notes.join()).toMatch(
      /epochs 1 to 2 are unsigned history: only a tool that takes/,
    );
    const text = describePlan(below).join('\n');
    expect(text).toContain('epochs 1 to 2 are unsigned history; the signatures of all others');
    const above = await plan(folder, { trust: [waypoint] });
    expect(above.chain).toMatchObject({ confirmed: true, unsigned: { first: '1', last: '2' } });
    expect(above.commands!.restore.split(waypoint)).toHaveLength(2);
  });
});

describe("a folder whose files are gzip'd", () => {
  it('is read by the printed adapter, as our own adapters are', async () => {
    const folder = join(STOCK, 'stock-gzip');
    const { commands, fetch } = await plan(folder);
    expect(fetch!.bytes).toBeGreaterThan(0);
    expect(commands!.restore).toContain('--command-adapter-config /tmp/adapter.yaml');
    const file = join(new StorageCopy(PLAIN).folder, 'adapter.yaml');
    writeFileSync(file, commands!.adapter!.yaml);
    const read = openStorage({ command_adapter_config: file });
    expect(await readCatalog(read)).toEqual(
      await readCatalog(openStorage({ local_fs_dir: folder })),
    );
    await expect(read.requireFit()).rejects.toThrow(/only reads/);
  });
});

it("damage in a gzip'd chunk does not keep an operator from a plan", async () => {
  const storage = new StorageCopy(join(STOCK, 'stock-gzip'));
  const whole = await plan(storage.folder);
  const size = (name: string) => storage.read(name).length;
  const chunks = storage
    .files()
    .filter((name) => /^(state_epoch_5_|transaction_201-).*\.chunk$/.test(name))
    .sort((a, b) => size(b) - size(a));
  for (const name of chunks.slice(0, 2)) storage.flip(name);
  const found = await plan(storage.folder);
  expect(found).toMatchObject({ ok: true, restores_to: whole.restores_to, fetch: whole.fetch });
  expect(found.disk!.by).toContain('rule of thumb');
});

describe('a storage that lacks something', () => {
  type Hurt = (storage: StorageCopy) => void;
  const transactions = (storage: StorageCopy, first: number) =>
    storage.manifestOf(storage.metadata(`transaction_${first}-`));

  it.each<[string, Hurt, Partial<PlanOrder>, { to?: string; snapshot?: string; first: RegExp }]>([
    [
      'a hole in the transactions',
      (s) => s.remove(s.metadata('transaction_101-200')),
      {},
      { first: /transactions 101 to 200 are missing/ },
    ],
    [
      'no snapshot',
      (s) => {
        s.remove(s.metadata('state_snapshot_ver_138'));
        s.remove(s.metadata('state_snapshot_ver_240'));
      },
      {},
      { first: /there is no state snapshot/ },
    ],
    [
      'no snapshot at or below the target',
      () => undefined,
      { target: 100n },
      { first: /no state snapshot at or below the target 100; the oldest is of version 138$/ },
    ],
    [
      'a target above the newest version',
      () => undefined,
      { target: 300n },
      { to: '250', snapshot: '240', first: /newest stored transaction is of version 250/ },
    ],
    [
      'the newest epoch endings',
      (s) => s.remove(s.metadata('epoch_ending_3-5')),
      {},
      { to: '239', snapshot: '138', first: /epoch 5 .* is not proven by the epoch endings/ },
    ],
    [
      'a chunk of the newest snapshot',
      (s) => {
        const manifest = s.manifestOf(s.metadata('state_snapshot_ver_240'));
        s.remove(manifest.replace('state.manifest', '86-.chunk'));
      },
      {},
      { to: '239', snapshot: '138', first: /86-\.chunk is missing/ },
    ],
    [
      'a manifest of transactions after the snapshot',
      (s) => s.remove(transactions(s, 201)),
      {},
      { to: '200', snapshot: '138', first: /transaction\.manifest cannot be used/ },
    ],
    [
      'metadata that can be read',
      (s) => s.write('metadata/zzz.meta', '{"Unknown"'),
      {},
      { first: /zzz\.meta cannot be read/ },
    ],
    [
      'a snapshot at or below the wanted beginning of the history',
      () => undefined,
      { from: 0n },
      { to: '250', snapshot: '240', first: /no state snapshot at or below version 0, .* panics/ },
    ],
  ])('%s', async (_, hurt, asked, { to, snapshot, first }) => {
    const storage = new StorageCopy(PLAIN);
    hurt(storage);
    const found = await plan(storage.folder, asked);
    expect(found.ok).toBe(false);
    expect(found.why[0]).toMatch(first);
    expect(found.restores_to?.version).toBe(to);
    expect(found.tree_snapshot?.version).toBe(snapshot);
    if (to !== undefined) expect(found.commands!.restore).toContain(`--target-version ${to}`);
    else expect(found.commands).toBeUndefined();
    expect(v.is(restorePlan, JSON.parse(JSON.stringify(found)))).toBe(true);
  });

  it('below a hole in the epoch endings, no command is printed that fails at the hole', async () => {
    const node = await devnode({ epochs: 5 });
    const storage = new UnsignedStorage([]);
    await storage.endings(node, 0, 2);
    for (const epoch of [3, 4]) await storage.endings(node, epoch, epoch);
    await storage.snapshot(node, 1);
    await storage.transactions(node, 0, node.facts().version);
    expect((await plan(storage.folder)).commands!.verify).toContain('backup verify');
    rmSync(join(storage.folder, 'metadata', 'epoch_ending_3-3.meta'));
    const found = await plan(storage.folder);
    expect(found.restores_to!.version).toBe(`${node.facts().epoch_ends[4]! - 1}`);
    expect(found.commands!.verify).toBeUndefined();
    expect(found.chain!.unsigned).toBeUndefined();
    expect(found.notes.at(-1)).toMatch(/verify would fail: .* epoch endings 3 to 3 are missing/);
    expect(describePlan(found).join()).not.toContain('backup verify');
  });

  it('history begins with the lowest snapshot that there is, when an older one was asked for', async () => {
    const { kv_snapshot: kv, why } = await plan(PLAIN, { from: 0n });
    expect(kv!.version).toBe('138');
    expect(why[0]).toContain('history can begin with the state snapshot of version 138');
  });
});
