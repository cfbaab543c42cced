/**
 * What an Aptos chain defines, as a library: formats, hashes, proofs and the files of backups. Nothing
 * here depends on the rest of this project.
 */
export { AptosDataError, type AptosErrorCode } from './errors.js';
export { BcsReader } from './bcs/reader.js';
export { BcsWriter } from './bcs/writer.js';
export { type BatchHasher, createBatchHasher } from './hash/batch-hasher.js';
export { type SeedName, hash, seed, sha3 } from './hash/seeds.js';
export { Accumulator } from './accumulator/accumulator.js';
export { accumulatorRoot, verifyLeaf, verifyRange } from './accumulator/verify.js';
export { frontierDigest } from './accumulator/frontier.js';
export { StateTree } from './state-tree/state-tree.js';
export { rightSiblings, stateRoot, verifyPrefix } from './state-tree/definition.js';
export { canonicalFrontier } from './state-tree/frontier.js';
export { RecordBlock, RecordFramer } from './records/framing.js';
export { TransactionChunkVerifier } from './records/transaction-chunk.js';
export { StateChunkVerifier } from './records/state-chunk.js';
export { stateKeyHash } from './records/state-key.js';
export {
  type EpochState,
  type LedgerInfo,
  type LedgerInfoWithSignatures,
  decodeLedgerInfoWithSignatures,
  ledgerInfoHash,
} from './chain/ledger-info.js';
export { verifyLedgerInfoSignatures } from './chain/signatures.js';
export { type Waypoint, formatWaypoint, parseWaypoint, waypointOf } from './chain/waypoint.js';
export { genesisWaypoint, readGenesis } from './chain/genesis.js';
export { KNOWN_NETWORKS } from './chain/networks.js';
export {
  decodeStateRangeProof,
  decodeStateRootProof,
  decodeTransactionRangeProof,
  verifyStateRoot,
} from './chain/proofs.js';
export * from './files/manifest.js';
export * from './files/metadata.js';
export * from './files/names.js';
export { cutsBefore } from './files/chunking.js';
export { parseJson, stringifyJson } from './files/json.js';
