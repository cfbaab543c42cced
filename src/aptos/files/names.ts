/** Names of a backup's files and folders (docs/formats.md, Files). Ranges are inclusive. */
export const EPOCH_ENDING_MANIFEST = 'epoch_ending.manifest';
export const TRANSACTION_MANIFEST = 'transaction.manifest';
export const STATE_MANIFEST = 'state.manifest';
export const STATE_ROOT_PROOF = 'state.proof';

/** Folder names without the suffix. They end with `-` instead of the last epoch or version, as in the stock tool. */
export const epochEndingFolderBase = (firstEpoch: bigint) => `epoch_ending_${firstEpoch}-`;
export const transactionFolderBase = (firstVersion: bigint) => `transaction_${firstVersion}-`;
export const stateSnapshotFolderBase = (epoch: bigint, version: bigint) =>
  `state_epoch_${epoch}_ver_${version}`;

/** Names of metadata files with one line. */
export const epochEndingMetadataName = (firstEpoch: bigint, lastEpoch: bigint) =>
  `epoch_ending_${firstEpoch}-${lastEpoch}.meta`;
export const transactionMetadataName = (firstVersion: bigint, lastVersion: bigint) =>
  `transaction_${firstVersion}-${lastVersion}.meta`;
export const stateSnapshotMetadataName = (version: bigint) => `state_snapshot_ver_${version}.meta`;

/** Names of metadata files into which a compaction puts the lines of others: from the first epoch or version to the last. */
export const epochEndingCompactedName = (firstEpoch: bigint, lastEpoch: bigint) =>
  `epoch_ending_compacted_${firstEpoch}-${lastEpoch}.meta`;
export const transactionCompactedName = (firstVersion: bigint, lastVersion: bigint) =>
  `transaction_compacted_${firstVersion}-${lastVersion}.meta`;
export const stateSnapshotCompactedName = (firstEpoch: bigint, lastEpoch: bigint) =>
  `state_snapshot_compacted_epoch_${firstEpoch}_${lastEpoch}.meta`;

/** The name of a chunk of any kind; `first` is the number of its first record. */
export const chunkName = (first: bigint) => `${first}-.chunk`;
export const transactionProofName = (first: bigint, last: bigint) => `${first}-${last}.proof`;
export const stateProofName = (firstIndex: bigint, lastIndex: bigint) =>
  `${firstIndex}-${lastIndex}.proof`;
