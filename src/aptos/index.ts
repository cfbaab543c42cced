/**
 * What an Aptos chain defines, as a library: formats, hashes, proofs and the files of backups. Nothing
 * here depends on the rest of this project.
 */
export { APTOS_ERRORS, AptosDataError, type AptosErrorCode, naming } from './data-error.js';
export { fromHex, toHex } from './hex.js';
export { BcsReader } from './bcs/reader.js';
export { BcsWriter } from './bcs/writer.js';
export { type BatchHasher, createBatchHasher } from './hash/batch-hasher.js';
export { hash, seed, type SeedName, sha3, SPARSE_MERKLE_PLACEHOLDER } from './hash/seeds.js';
export { frontierDigest } from './accumulator/accumulator-frontier.js';
export { Accumulator } from './accumulator/accumulator.js';
export { AccumulatorWindow } from './accumulator/accumulator-window.js';
export { KnownLeaves, type RightSiblings } from './accumulator/known-leaves.js';
export { accumulatorRoot, verifyLeaf, verifyRange } from './accumulator/verify-proof.js';
export { rightSiblings, stateRoot, verifyPrefix } from './state-tree/definition.js';
export { canonicalFrontier, siblingsDownTo } from './state-tree/state-frontier.js';
export { StateTree } from './state-tree/state-tree.js';
export { type RecordFormat, transactionInfoIn } from './records/split-transaction.js';
export { fittingRecords } from './records/fitting.js';
export { MAX_RECORD_BYTES, RecordBlock, RecordFramer } from './records/framing.js';
export { readRecords } from './records/record-stream.js';
export { StateChunkVerifier } from './records/state-chunk.js';
export { stateKeyHash, stateRecordKeyHash } from './records/state-key.js';
export { TransactionChunkVerifier } from './records/transaction-chunk.js';
export { frameworkResourceKey, genesisWaypoint, readGenesis } from './chain/genesis.js';
export {
  decodeLedgerInfoWithSignatures,
  encodeLedgerInfo,
  encodeLedgerInfoWithSignatures,
  type EpochState,
  type LedgerInfo,
  ledgerInfoHash,
  type LedgerInfoWithSignatures,
} from './chain/ledger-info.js';
export { KNOWN_NETWORKS, type KnownNetwork } from './chain/networks.js';
export {
  decodeStateRangeProof,
  decodeStateRootProof,
  decodeTransactionRangeProof,
  encodeStateRangeProof,
  encodeStateRootProof,
  encodeTransactionRangeProof,
  verifyStateRoot,
} from './chain/proofs.js';
export {
  publicKeyOf,
  requireSignatureForm,
  signLedgerInfo,
  verifyLedgerInfoSignatures,
} from './chain/signatures.js';
export { encodeTransactionInfo } from './chain/transaction-info.js';
export { formatWaypoint, parseWaypoint, type Waypoint, waypointOf } from './chain/waypoint.js';
export { Fields } from './files/fields.js';
export { type JsonObject, type JsonValue, parseJson, stringifyJson } from './files/json.js';
export {
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  encodeEpochEndingManifest,
  encodeStateSnapshotManifest,
  encodeTransactionManifest,
  type EpochEndingManifest,
  MAX_MANIFEST_BYTES,
  type StateSnapshotManifest,
  type TransactionManifest,
} from './files/manifest.js';
export {
  encodeMetadataLine,
  IDENTITY_FILE,
  metadataFileName,
  type MetadataLine,
  parseMetadataFile,
  parseMetadataLine,
} from './files/metadata.js';
export {
  chunkName,
  EPOCH_ENDING_MANIFEST,
  epochEndingCompactedName,
  epochEndingFolderBase,
  epochEndingMetadataName,
  STATE_MANIFEST,
  STATE_ROOT_PROOF,
  stateProofName,
  stateSnapshotCompactedName,
  stateSnapshotFolderBase,
  stateSnapshotMetadataName,
  TRANSACTION_MANIFEST,
  transactionCompactedName,
  transactionFolderBase,
  transactionMetadataName,
  transactionProofName,
} from './files/names.js';
