/** Names of a backup's files and folders (docs/formats.md, Files). Ranges are inclusive. */
export const EPOCH_ENDING_MANIFEST = 'epoch_ending.manifest';
export const TRANSACTION_MANIFEST = 'transaction.manifest';
export const STATE_MANIFEST = 'state.manifest';
export const STATE_ROOT_PROOF = 'state.proof';

/** Folder names up to the suffix that tells attempts apart; `-` stands for an end not yet known. */
export const epochEndingFolderBase = (firstEpoch: bigint) => `epoch_ending_${firstEpoch}-`;
export const transactionFolderBase = (firstVersion: bigint) => `transaction_${firstVersion}-`;
export const stateSnapshotFolderBase = (epoch: bigint, version: bigint) =>
  `state_epoch_${epoch}_ver_${version}`;

/** A chunk of any kind is named by its first record. */
export const chunkName = (first: bigint) => `${first}-.chunk`;
export const transactionProofName = (first: bigint, last: bigint) => `${first}-${last}.proof`;
export const stateProofName = (firstIndex: bigint, lastIndex: bigint) =>
  `${firstIndex}-${lastIndex}.proof`;
