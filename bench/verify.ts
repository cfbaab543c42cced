/**
 * Runs a whole verification like an operator, by a worker process through Temporal, and compares it with
 * its floor: the time that hashing the same data takes on one core. `npm run bench`; BENCH_TRANSACTIONS
 * and BENCH_STATE_ITEMS set the size. `npm run bench:backups` does the same with other storages.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBatchHasher } from '../src/aptos/index.js';
import { startBackup } from '../src/client/start-backup.js';
import { startDevnode } from '../src/devnode/devnode.js';
import { openStorage } from '../src/storage/open.js';
import { readChain } from '../src/verify/read-chain.js';
import { runTask } from '../src/verify/run-task.js';
import { nextTasks } from '../src/verify/tasks.js';
import { WHOLE_STORAGE } from '../src/verify/verify-storage.js';
import { startMeasuredWorker, verifyOnce } from './measured-worker.js';
import { TimedHasher } from './timed-hasher.js';

const TRANSACTIONS = Number(process.env['BENCH_TRANSACTIONS'] ?? 200_000);
const STATE_ITEMS = Number(process.env['BENCH_STATE_ITEMS'] ?? 400_000);
const ROUNDS = 3;
/**
 * The published figures of the stock tool on real data: 691 MB of transactions, 340 MB of state, 2 cores.
 */
const STOCK = { megabytes: 1031, wall: 20.6, cpu: 33.7, peakMb: 1415 };

const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-bench-'));
const storage = { local_fs_dir: join(folder, 'backups') };
const worker = await startMeasuredWorker(folder);
try {
  await writeBackups();
  const peakOfBackup = worker.peakMb();
  await worker.restart(); // so that its peak memory is that of verifying
  const floor = await floorSeconds();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await verifyOnce(worker, storage));
  rounds.sort((a, b) => a.wall - b.wall);
  const { bytes, wall, cpu } = rounds[ROUNDS >> 1]!;
  const mb = bytes / 1e6;
  const row = (...cells: string[]) => console.log(cells.map((cell) => cell.padEnd(22)).join(''));
  row('', 'here', 'stock, as published');
  row('data', `${mb.toFixed(0)} MB`, `${STOCK.megabytes} MB`);
  row('wall', speed(mb, wall), speed(STOCK.megabytes, STOCK.wall));
  row('CPU', speed(mb, cpu), speed(STOCK.megabytes, STOCK.cpu));
  row('CPU / hashing floor', `${(cpu / floor).toFixed(2)} x`, '');
  row('peak memory', `${worker.peakMb()} MB`, `${STOCK.peakMb} MB`);
  row('  of the backup', `${peakOfBackup} MB`, '');
  row('cores', `${cpus().length}`, '2');
} finally {
  await worker.close();
  rmSync(folder, { recursive: true });
}

function speed(mb: number, seconds: number): string {
  return `${seconds.toFixed(1)} s, ${(mb / seconds).toFixed(0)} MB/s`;
}

async function writeBackups(): Promise<void> {
  const node = await startDevnode({
    transactions: TRANSACTIONS,
    stateItems: STATE_ITEMS,
    epochs: 4,
  });
  const { epoch, version } = node.facts();
  const common = { node: node.address, storage, when_blocked: 'fail' as const };
  const { client } = worker;
  const begun = [
    await startBackup(client, 'epoch_ending', { ...common, start_epoch: 0, end_epoch: epoch }),
    await startBackup(client, 'state_snapshot', { ...common, epoch: epoch - 1 }),
    await startBackup(client, 'transaction', {
      ...common,
      start_version: 0,
      num_transactions: version + 1,
    }),
  ];
  await Promise.all(begun.map((handle) => handle.result()));
  await node.close();
}

/** Runs the same tasks one after another in this process, and counts only the time inside the hasher. */
async function floorSeconds(): Promise<number> {
  const hasher = new TimedHasher(createBatchHasher());
  const stored = openStorage(storage);
  const { signal } = new AbortController();
  const tools = { storage: stored, hasher, signal, onProgress: () => undefined };
  const { chain } = await readChain(tools, { storage, trustWaypoints: [] });
  const { tasks } = await nextTasks(stored, WHOLE_STORAGE, undefined);
  for (const task of tasks) {
    if (task.kind !== 'epoch_endings') await runTask(tools, task, chain, true);
  }
  return hasher.seconds;
}
