import type { MetadataLine } from '../../aptos/index.js';
import type { BackupType } from '../../contract/job.js';

/** A metadata line of a backup, byte for byte as it was read. */
export interface RawLine {
  kind: BackupType;
  /** The first and last epoch or version; of a snapshot, its epoch. */
  first: bigint;
  last: bigint;
  /** All fields but the manifest, in the order in which the stock tool sorts by them. */
  order: readonly bigint[];
  manifest: string;
  /** Its bytes, without the newline, as latin1 text. */
  raw: string;
  /** It has fields that the stock tool does not know. */
  hasMore: boolean;
  /** Handle of the file that it was read from. */
  source: string;
}

/** Undefined for a line that names no backup. */
export function rawLineOf(line: MetadataLine, raw: string, source: string): RawLine | undefined {
  const common = { raw, source, hasMore: line.extra !== undefined };
  switch (line.type) {
    case 'EpochEndingBackup': {
      const { firstEpoch: first, lastEpoch: last, manifest } = line;
      const order = [first, last, line.firstVersion, line.lastVersion];
      return { kind: 'epoch_ending', first, last, order, manifest, ...common };
    }
    case 'TransactionBackup': {
      const { firstVersion: first, lastVersion: last, manifest } = line;
      return { kind: 'transaction', first, last, order: [first, last], manifest, ...common };
    }
    case 'StateSnapshotBackup': {
      const { epoch: first, version, manifest } = line;
      const order = [first, version];
      return { kind: 'state_snapshot', first, last: first, order, manifest, ...common };
    }
    default:
      return undefined;
  }
}

/** Equal for lines that the stock tool takes for one. */
export function lineKey({ kind, order, manifest }: RawLine): string {
  return `${kind} ${order.join()} ${manifest}`;
}

/** The order of the stock tool. Of lines that are one to it, the fullest comes first. */
export function compareLines(a: RawLine, b: RawLine): number {
  for (const [i, value] of a.order.entries()) {
    if (value !== b.order[i]) return value < b.order[i]! ? -1 : 1;
  }
  if (a.manifest !== b.manifest) return a.manifest < b.manifest ? -1 : 1;
  if (a.raw.length !== b.raw.length) return b.raw.length - a.raw.length;
  return a.source < b.source ? -1 : 1;
}

/** The content of a metadata file with these lines. */
export function contentOf(lines: readonly RawLine[]): Uint8Array {
  return Buffer.from(lines.map(({ raw }) => `${raw}\n`).join(''), 'latin1');
}
