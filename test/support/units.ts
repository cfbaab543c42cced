import type { RangeTask } from '../../src/backup/range/range-thread-messages.js';
import type { BackupResult, Prepared, RangeResult, Unit } from '../../src/contract/unit.js';

/** Stand-ins for the parts of a backup, for tests of the workflows alone. */
const ANCHOR = { waypoint: `0:${'00'.repeat(32)}`, confirmed: false };

export function unitOf(ranges: number, rangeSize = 1000): Unit {
  return {
    kind: 'transaction',
    folder: 'transaction_0-.0000',
    first: '0',
    records: `${ranges * rangeSize}`,
    rangeSize,
    rangeCount: ranges,
  };
}

export function prepared(unit: Unit): Prepared {
  return { unit, anchor: ANCHOR };
}

export function stored({ range }: RangeTask): RangeResult {
  const records = Number(BigInt(range.last) - BigInt(range.first) + 1n);
  return { records, bytes: records * 100, chunks: 1, reused: 0 };
}

export function committed(unit: Unit): BackupResult {
  return {
    type: 'transaction',
    backup: unit.folder,
    manifest: `${unit.folder}/transaction.manifest`,
    metadata: 'metadata/transaction_0-9.meta',
    first: '0',
    last: '9',
    records: unit.records,
    chunks: unit.rangeCount,
    bytes: 0,
    proven: 'signed',
    anchor: ANCHOR,
    chunks_reused: 0,
    already_committed: false,
  };
}

export const INPUT = {
  node: 'http://localhost:6186',
  storage: { local_fs_dir: '/backups' },
};
