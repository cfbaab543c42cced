import {
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  EPOCH_ENDING_MANIFEST,
  STATE_MANIFEST,
  TRANSACTION_MANIFEST,
} from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import type { Span } from '../lib/spans.js';

/** What a manifest names. */
export interface Named {
  /** Epochs or versions. */
  span: Span;
  /** Handles of all its files. */
  files: string[];
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
      const { firstEpoch: first, lastEpoch: last, chunks } = decodeEpochEndingManifest(bytes);
      return { span: { first, last }, files: chunks.map(({ ledgerInfos }) => ledgerInfos) };
    },
  },
  state_snapshot: {
    name: STATE_MANIFEST,
    read(bytes) {
      const { epoch, proof: root, chunks } = decodeStateSnapshotManifest(bytes);
      const files = chunks.flatMap(({ blobs, proof }) => [blobs, proof]);
      return { span: { first: epoch, last: epoch }, files: [root, ...files] };
    },
  },
  transaction: {
    name: TRANSACTION_MANIFEST,
    read(bytes) {
      const { firstVersion: first, lastVersion: last, chunks } = decodeTransactionManifest(bytes);
      const files = chunks.flatMap(({ transactions, proof }) => [transactions, proof]);
      return { span: { first, last }, files };
    },
  },
};
