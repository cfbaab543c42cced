import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCompactionInput } from '../../../src/contract/compaction-input.js';
import { readCatalog } from '../../../src/repository/catalog.js';
import type { BackupStorage } from '../../../src/storage/storage.js';
import { compact } from '../../../src/upkeep/compaction/compact.js';

/** When the stock tool compacted the fixture for the first time, unix seconds. */
export const FIRST_RUN = 1_795_441_012;

export interface Run {
  factor?: number;
  /** Seconds. */
  removeAfter?: number;
  /** Unix seconds. */
  at?: number;
  dryRun?: boolean;
  owner?: string;
}

/** One compaction. The clock stands still at a time of the test. */
export function compacted(
  storage: BackupStorage,
  { factor = 2, removeAfter = 1, at = FIRST_RUN, dryRun = false, owner = 'test' }: Run = {},
) {
  const { storage: _, ...order } = parseCompactionInput({
    storage: { local_fs_dir: '/any' },
    epoch_ending_file_compact_factor: factor,
    state_snapshot_file_compact_factor: factor,
    transaction_file_compact_factor: factor,
    remove_compacted_file_after: removeAfter,
    dry_run: dryRun,
  });
  return compact(order, {
    storage,
    holder: { owner, host: 'here', workflow: owner },
    signal: AbortSignal.timeout(100_000),
    report: () => undefined,
    now: () => Promise.resolve(at * 1000),
  });
}

/** The metadata files of a folder, and what is in them. */
export function metadataIn(folder: string, sub = 'metadata'): Record<string, string> {
  const names = readdirSync(join(folder, sub)).filter((name) => !name.startsWith('.'));
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(folder, sub, name), 'utf8')]),
  );
}

/** What the metadata of a storage names, wherever it is written. */
export async function namedIn(storage: BackupStorage) {
  const { epochEndings, snapshots, transactions, damaged } = await readCatalog(storage);
  const plain = (entries: readonly { source: string }[]) =>
    entries.map(({ source: _, ...rest }) => rest);
  return {
    epochEndings: plain(epochEndings),
    snapshots: plain(snapshots),
    transactions: plain(transactions),
    damaged,
  };
}

export const withoutStamps = (files: Record<string, string>) =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !name.startsWith('compaction_')));

/** The stamps of a file, sorted by handle. */
export function stampsIn(content: string): Record<string, number> {
  const { CompactionTimestamps: line } = JSON.parse(content) as {
    CompactionTimestamps: { compaction_timestamps: Record<string, number> };
  };
  return line.compaction_timestamps;
}
