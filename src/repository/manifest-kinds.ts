import {
  type JsonObject,
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  EPOCH_ENDING_MANIFEST,
  STATE_MANIFEST,
  TRANSACTION_MANIFEST,
} from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import type { Span } from '../lib/spans.js';

/** A chunk as a manifest names it: epochs, versions or indexes of items, and handles. */
export interface NamedChunk extends Span {
  file: string;
  /** Epoch endings have none. */
  proof?: string;
  /** Fields that the stock tool does not know. */
  extra?: JsonObject | undefined;
}

/** What a manifest names. */
export interface Named {
  /** Epochs or versions. */
  span: Span;
  chunks: NamedChunk[];
  /** Handles of all its files. */
  files: string[];
  /** Of a snapshot: the root of the state. */
  rootHash?: string;
  /** Fields that the stock tool does not know. */
  extra?: JsonObject | undefined;
}

interface ManifestKind {
  /** The name of its file. */
  name: string;
  /** @throws AptosDataError */
  read(manifest: Uint8Array): Named;
}

/** The manifest of each kind of backup, for whoever only wants to know what it names. */
export const MANIFEST_KINDS: Record<BackupType, ManifestKind> = {
  epoch_ending: {
    name: EPOCH_ENDING_MANIFEST,
    read(bytes) {
      const {
        firstEpoch: first,
        lastEpoch: last,
        chunks,
        extra,
      } = decodeEpochEndingManifest(bytes);
      const named = chunks.map(({ firstEpoch, lastEpoch, ledgerInfos: file, extra }) => {
        return { first: firstEpoch, last: lastEpoch, file, extra };
      });
      return { span: { first, last }, chunks: named, files: filesOf(named), extra };
    },
  },
  state_snapshot: {
    name: STATE_MANIFEST,
    read(bytes) {
      const { epoch, rootHash, proof, chunks, extra } = decodeStateSnapshotManifest(bytes);
      const named = chunks.map(({ firstIdx, lastIdx, blobs: file, proof, extra }) => {
        return { first: firstIdx, last: lastIdx, file, proof, extra };
      });
      const span = { first: epoch, last: epoch };
      return { span, chunks: named, files: [proof, ...filesOf(named)], rootHash, extra };
    },
  },
  transaction: {
    name: TRANSACTION_MANIFEST,
    read(bytes) {
      const {
        firstVersion: first,
        lastVersion: last,
        chunks,
        extra,
      } = decodeTransactionManifest(bytes);
      const named = chunks.map(
        ({ firstVersion, lastVersion, transactions: file, proof, extra }) => {
          return { first: firstVersion, last: lastVersion, file, proof, extra };
        },
      );
      return { span: { first, last }, chunks: named, files: filesOf(named), extra };
    },
  },
};

/** The bytes of a chunk file, without gzip, as our manifests say them. */
export function bytesSaid({ extra }: Pick<NamedChunk, 'extra'>): bigint | undefined {
  const bytes = extra?.['bytes'];
  return typeof bytes === 'bigint' ? bytes : undefined;
}

function filesOf(chunks: readonly NamedChunk[]): string[] {
  return chunks.flatMap(({ file, proof }) => (proof === undefined ? [file] : [file, proof]));
}
