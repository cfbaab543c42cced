/**
 * Whole backups and their verification through each kind of storage, by a worker process through Temporal, beside the
 * bare SDK that moves the same files. `npm run bench:backups`; BENCH_TRANSACTIONS and BENCH_STATE_ITEMS set the size,
 * BENCH_STORES the buckets, such as `s3,azure`. Node, Temporal server and store take their part of the same cores.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackup } from '../src/client/start-backup.js';
import type { StorageConfig } from '../src/contract/job.js';
import { startDevnode } from '../src/devnode/devnode.js';
import { forEachAtOnce } from '../src/lib/at-once.js';
import { type BareStore, startStore, storesToMeasure } from './bare-stores.js';
import { type MeasuredWorker, startMeasuredWorker, verifyOnce } from './measured-worker.js';
import { seconds } from './seconds.js';

const TRANSACTIONS = Number(process.env['BENCH_TRANSACTIONS'] ?? 230_000);
const STATE_ITEMS = Number(process.env['BENCH_STATE_ITEMS'] ?? 700_000);
const PARAMETERS = ['encoding=plain', 'gzip_level=1', 'gzip_level=6'];
const AT_ONCE = 4;

/** The form of the stock tool's adapters, with a folder for the bucket: their gzip runs beside the tool, at level 6. */
const ADAPTER = (root: string) => `env_vars:
  - { key: ROOT, value: '${root}' }
commands:
  create_backup: 'mkdir -p "$ROOT/$BACKUP_NAME" "$ROOT/metadata" && echo "$BACKUP_NAME"'
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c > "$ROOT/$FILE_HANDLE"
  open_for_read: 'gzip -cd "$ROOT/$FILE_HANDLE"'
  save_metadata_line: |
    FILE_HANDLE="metadata/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    mkdir -p "$ROOT/metadata"
    gzip -c > "$ROOT/$FILE_HANDLE"
  list_metadata_files: 'mkdir -p "$ROOT/metadata" && cd "$ROOT" && find metadata -type f'
`;

const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-bench-'));
const node = await startDevnode({
  transactions: TRANSACTIONS,
  stateItems: STATE_ITEMS,
  epochs: 4,
});
try {
  row('', 'transactions', 'snapshot', 'verify', 'CPU', 'peak of backup', 'of verify');
  const local = { local_fs_dir: join(folder, 'backups') };
  await measure([
    ['local folder', local],
    ['adapter with gzip', adapter()],
  ]);
  for (const name of storesToMeasure()) await measureStore(name, filesBelow(local.local_fs_dir));
} finally {
  await node.close();
  rmSync(folder, { recursive: true });
}

function row(...cells: string[]): void {
  console.log(cells.map((cell, i) => cell.padEnd(i === 0 ? 22 : 16)).join(''));
}

function adapter(): StorageConfig {
  const root = join(folder, 'adapter');
  mkdirSync(root);
  const file = join(folder, 'adapter.yaml');
  writeFileSync(file, ADAPTER(root));
  return { command_adapter_config: file };
}

async function measureStore(name: string, files: string[]): Promise<void> {
  const store = await startStore(name);
  try {
    await bare(name, store, files);
    await measure(
      PARAMETERS.map((each) => [
        `${name}, ${each}`,
        { url: store.url(each.replace('=', '-'), each) },
      ]),
    );
  } finally {
    await store.close();
  }
}

/** The bare SDK writes and reads the files that the local folder has got. It proves nothing. */
async function bare(name: string, store: BareStore, files: string[]): Promise<void> {
  const write = await seconds(() =>
    forEachAtOnce(AT_ONCE, files, (file) => store.write(keyOf(file), readFileSync(file))),
  );
  const read = await seconds(() =>
    forEachAtOnce(AT_ONCE, files, async (file) => {
      const content = (await store.read(keyOf(file))) as AsyncIterable<Uint8Array>;
      for await (const part of content) void part.length;
    }),
  );
  row(`${name}, bare SDK`, `write ${write.toFixed(1)} s`, '', `${read.toFixed(1)} s`);
}

function keyOf(file: string): string {
  return `bare/${file.slice(folder.length + 1).replaceAll('/', '-')}`;
}

function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Workers know the credentials that the environment has when they start. */
async function measure(storages: [name: string, storage: StorageConfig][]): Promise<void> {
  const worker = await startMeasuredWorker(folder);
  try {
    for (const [name, storage] of storages) await measureOne(worker, name, storage);
  } finally {
    await worker.close();
  }
}

async function measureOne(worker: MeasuredWorker, name: string, storage: StorageConfig) {
  await worker.restart();
  const written = await backUp(worker, storage);
  const peak = worker.peakMb();
  const cpu = worker.cpuSeconds();
  await worker.restart();
  const verified = await verifyOnce(worker, storage);
  const times = [written.transactions, written.snapshot, verified.wall];
  const cells = times.map((each) => `${each.toFixed(1)} s`);
  const cost = `${cpu.toFixed(1)} + ${verified.cpu.toFixed(1)} s`;
  row(name, ...cells, cost, `${peak} MB`, `${worker.peakMb()} MB`);
}

async function backUp({ client }: MeasuredWorker, storage: StorageConfig) {
  const { epoch, version } = node.facts();
  const common = { node: node.address, storage, when_blocked: 'fail' as const };
  const range = { start_version: 0, num_transactions: version + 1 };
  const ended = { start_epoch: 0, end_epoch: epoch };
  await (await startBackup(client, 'epoch_ending', { ...common, ...ended })).result();
  const transactions = await seconds(async () =>
    (await startBackup(client, 'transaction', { ...common, ...range })).result(),
  );
  const snapshot = await seconds(async () =>
    (await startBackup(client, 'state_snapshot', { ...common, epoch: epoch - 1 })).result(),
  );
  return { transactions, snapshot };
}
