import type { BackupEntry, Catalog } from './catalog.js';
import type { RestoreSource } from '../contract/restorable.js';

/**
 * The backups that a restore by the stock tool finds in a storage. `isDamaged`: which backups it cannot
 * use.
 */
export function restoreSourceOf(
  catalog: Catalog,
  isDamaged: (entry: BackupEntry) => boolean,
): RestoreSource {
  const mark = (entry: BackupEntry) => (isDamaged(entry) ? { damaged: true } : {});
  const unreadable = (catalog.damaged[0] ?? catalog.strays?.[0])?.object;
  return {
    epochs: catalog.epochEndings.map((entry) => ({
      first: entry.firstEpoch,
      last: entry.lastEpoch,
      from: entry.firstVersion,
      to: entry.lastVersion,
      ...mark(entry),
    })),
    transactions: catalog.transactions.map((entry) => ({
      first: entry.firstVersion,
      last: entry.lastVersion,
      from: entry.firstVersion,
      to: entry.lastVersion,
      ...mark(entry),
    })),
    snapshots: catalog.snapshots.map((entry) => {
      return { epoch: entry.epoch, version: entry.version, ...mark(entry) };
    }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}
