/** Whole backups through an operator's own commands: made, verified, read by others, and extended. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { AdapterPlace } from '../support/adapters/place.js';
import { ADAPTERS } from '../support/adapters/yaml.js';
import { backUp, devnode } from '../support/backup.js';

const STOCK = join(import.meta.dirname, '../fixtures/stock/stock-gzip');
const GENESIS = '0:56f0083d3b932905095c60c25cc29263057d475ba1e5aaa33f5b2296e98e9125';

it('all kinds are stored as stock adapters store them, and prove through the adapter and without it', async () => {
  const place = new AdapterPlace(ADAPTERS['aws s3 at another endpoint']!);
  const storage = { command_adapter_config: place.file() };
  const node = await devnode({ format: 'V1', seed: 7 });
  const { version, epoch, genesis_waypoint: genesis } = node.facts();
  const common = {
    node: node.address,
    folder: '',
    storage,
    trust: [genesis],
    maxChunkSize: 60_000,
  };
  await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: epoch } });
  await backUp({ ...common, target: { type: 'state_snapshot', epoch: epoch - 1 } });
  const count = version + 1;
  const target = { type: 'transaction' as const, start_version: 0, num_transactions: count };
  const made = await backUp({ ...common, target });
  expect(await backUp({ ...common, target })).toMatchObject({
    manifest: made.manifest,
    already_committed: true,
  });

  const manifest = readFileSync(place.objectOf(made.manifest));
  expect(manifest.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  const local = { local_fs_dir: dirname(place.objectOf('metadata')) };
  for (const through of [storage, local]) {
    const coverage = await verifyStorage(openStorage(through), {
      storage: through,
      trustWaypoints: [genesis],
    });
    expect(coverage).toMatchObject({ ok: true, findings: [], missing_count: 0 });
    expect(coverage.transactions).toMatchObject([{ first: '0', last: `${version}` }]);
  }
  expect(readdirSync(place.temporary).filter((name) => name.includes('command'))).toEqual([]);
});

it('what the stock tool stored through an adapter is listed and proven', async () => {
  const place = new AdapterPlace(ADAPTERS['gsutil']!);
  mkdirSync(dirname(place.objectOf('')), { recursive: true });
  cpSync(STOCK, place.objectOf(''), { recursive: true });
  const settings = { command_adapter_config: place.file() };
  const storage = openStorage(settings);
  const { epochEndings, transactions, snapshots } = await readCatalog(storage);
  expect([epochEndings.length, transactions.length, snapshots.length]).toEqual([3, 4, 2]);
  const coverage = await verifyStorage(storage, {
    storage: settings,
    trustWaypoints: [GENESIS],
  });
  expect(coverage.findings).toEqual([]);
  expect(coverage).toMatchObject({ ok: true });
});

it('a backup that another host commits at the same moment keeps its range, and ours takes its line back', async () => {
  // As if another host had passed its own checks before ours, and stored its line while ours is stored.
  const late =
    'if [ -e "$STORE/late" ]; then mv "$STORE/late" "$STORE/bucket/e1/$(<"$STORE/name")"; fi';
  const yaml = ADAPTERS['rclone']!.replace(/(save_metadata_line: \|\n)/, `$1    ${late}\n`);
  const place = new AdapterPlace(yaml);
  const storage = { command_adapter_config: place.file() };
  const node = await devnode({ format: 'V1', seed: 7 });
  const { genesis_waypoint: genesis } = node.facts();
  const backUpTo = (count: number) =>
    backUp({
      ...{ node: node.address, folder: '', storage, trust: [genesis] },
      target: { type: 'transaction', start_version: 0, num_transactions: count },
    });
  const theirs = await backUpTo(50);
  renameSync(place.objectOf(theirs.metadata), join(place.store, 'late'));
  writeFileSync(join(place.store, 'name'), theirs.metadata);
  rmSync(place.objectOf('aptos-backup/known.json'));
  await expect(backUpTo(100)).rejects.toMatchObject({ code: 'RANGE_OVERLAP' });
  const { transactions } = await readCatalog(openStorage(storage));
  expect(transactions.map(({ manifest }) => manifest)).toEqual([theirs.manifest]);
  expect(existsSync(place.objectOf('metadata_backup/transaction_0-99.meta'))).toBe(true);
});
