/** A share of a storage moves on with each run: the backups that were read longest ago come first. */
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { StorageError } from '../../src/storage/storage-error.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { join } from 'node:path';
import type { Coverage } from '../../src/contract/answers/verify-answers.js';

const BATCH = 10;
const PERCENT = 10;
const RUNS = 100 / PERCENT;

/** The backups that a run has proven: transactions by their batch, snapshots by their epoch. */
function readBy({ transactions, state_snapshots: snapshots }: Coverage): Set<string> {
  const read = new Set(snapshots.map(({ epoch }) => `epoch ${epoch}`));
  for (const { first, last } of transactions) {
    for (let at = Number(first); at <= Number(last); at += BATCH) read.add(`from ${at}`);
  }
  return read;
}

it('all backups are read within 100 / N runs, even if runs are missed or stopped and backups are new or damaged', async () => {
  const node = await devnode({ transactions: 500, stateItems: 60, epochs: 4 });
  const folder = storageFolder();
  const target = { node: node.address, folder };
  await backUp({ ...target, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 } });
  const stored = new Map<string, number>();
  const store = async (from: number, to: number, run: number) => {
    for (let start = from; start < to; start += BATCH) {
      const range = { start_version: start, num_transactions: BATCH };
      await backUp({ ...target, target: { type: 'transaction', ...range } });
      stored.set(`from ${start}`, run);
    }
  };
  await store(0, 300, 0);
  for (const epoch of [0, 1, 2]) {
    await backUp({ ...target, target: { type: 'state_snapshot', epoch } });
    stored.set(`epoch ${epoch}`, 0);
  }
  const storage = openStorage({ local_fs_dir: folder });
  const settings = { storage: { local_fs_dir: folder }, trustWaypoints: [] };
  const scope = { ...WHOLE_STORAGE, percent: PERCENT, again: true };
  const lastRead = new Map<string, number>();
  let damaged: { file: StorageCopy; chunk: string; name: string } | undefined;
  let foundAt: number | undefined;
  for (let run = 1; run <= 3 * RUNS; run += 1) {
    if (run === 4) await store(300, 400, run - 1);
    if (run === 6) {
      // Interrupted: it has read something, but reported nothing.
      const stop = new AbortController();
      let reads = 0;
      const bound = storage.withSignal(stop.signal);
      const read = bound.read.bind(bound);
      const breaking = Object.assign(openStorage({ local_fs_dir: folder }, stop.signal), {
        read: (handle: string) => {
          if ((reads += 1) > 4) stop.abort(new Error('killed'));
          return read(handle);
        },
      });
      await expect(verifyStorage(breaking, settings, scope)).rejects.toThrow('killed');
    }
    const coverage = await verifyStorage(storage, settings, scope);
    const read = readBy(coverage);
    expect(read.size).toBeGreaterThan(0);
    expect(read.size).toBeLessThanOrEqual(Math.ceil(stored.size / RUNS) + (foundAt ? 1 : 0));
    for (const name of read) lastRead.set(name, run);
    if (run === 12) {
      // The backup that was just read has the longest to wait.
      const name = [...read].find((one) => one.startsWith('from'))!;
      const file = new StorageCopyInPlace(folder);
      const line = file.metadata(`transaction_${name.slice(5)}-`);
      const manifest = file.manifest(file.manifestOf(line));
      damaged = { file, chunk: manifest.chunks[0]!['transactions'] as string, name };
      file.flip(damaged.chunk);
    }
    if (!damaged) expect(coverage).toMatchObject({ ok: true, complete: false, findings: [] });
    else if (!coverage.ok) {
      foundAt ??= run;
      expect(coverage.findings).toMatchObject([{ object: damaged.chunk, code: 'DAMAGED' }]);
      lastRead.set(damaged.name, run);
      if (run === foundAt + 3) {
        damaged.file.flip(damaged.chunk);
        damaged = undefined;
      }
    } else {
      // After it was found, each run reports it until it is repaired.
      expect(foundAt).toBeUndefined();
    }
    for (const [name, since] of stored) {
      expect(run - (lastRead.get(name) ?? since), `${name} in run ${run}`).toBeLessThanOrEqual(
        RUNS,
      );
    }
  }
  expect(foundAt).toBeGreaterThan(12);
  expect(foundAt).toBeLessThanOrEqual(12 + RUNS);
  const { read_so_far: soFar } = await verifyStorage(storage, settings, scope);
  expect(soFar).toMatchObject({ backups: stored.size, of_backups: stored.size });
});

/** The helpers of a copy, for the folder itself. */
class StorageCopyInPlace extends StorageCopy {
  override readonly folder: string;

  constructor(folder: string) {
    super(folder);
    this.folder = folder;
  }
}

it('each run reads at least one backup, and another one each time, even with a small storage and share', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-plain'));
  const seen = new Set<string>();
  for (let run = 0; run < 6; run += 1) {
    const {
      ok,
      checked,
      transactions,
      state_snapshots: snapshots,
    } = await s.verify([], {
      percent: 1,
      again: true,
    });
    expect({ ok, skipped: checked.proven_before }).toEqual({ ok: true, skipped: 0 });
    for (const { first } of transactions) seen.add(`from ${first}`);
    for (const { epoch } of snapshots) seen.add(`epoch ${epoch}`);
  }
  expect(seen.size).toBe(6);
});

it('if the storage cannot be written to, each run reads a random part', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-plain'));
  const { storage } = s;
  const refuse = () => Promise.reject(new StorageError('READ_ONLY', '', 'read-only'));
  Object.assign(storage, { createFile: refuse });
  const settings = { storage: { local_fs_dir: s.folder }, trustWaypoints: [] };
  const seen = new Set<string>();
  // With 6 backups, the same one does not come 40 times in a row.
  for (let run = 0; run < 40 && seen.size < 2; run += 1) {
    const scope = { ...WHOLE_STORAGE, percent: 10, again: true };
    const coverage = await verifyStorage(storage, settings, scope);
    expect(coverage.ok).toBe(true);
    for (const { first } of coverage.transactions) seen.add(`from ${first}`);
    for (const { epoch } of coverage.state_snapshots) seen.add(`epoch ${epoch}`);
  }
  expect(seen.size).toBeGreaterThan(1);
});
