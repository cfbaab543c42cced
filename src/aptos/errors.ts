/**
 * What can be wrong with data of the chain or with a file of a backup:
 *
 * - BCS_INVALID: bytes are not the canonical encoding of what they should be
 * - UNSUPPORTED: a variant newer than this code, or one that cannot be checked
 * - RECORD_INVALID: a length-prefixed record is cut off, too large or not splittable
 * - RECORD_FORMAT_MIXED: records of formats V0 and V1 in one chunk
 * - TRANSACTION_HASH_MISMATCH, EVENT_ROOT_MISMATCH, WRITE_SET_HASH_MISMATCH,
 *   AUXILIARY_INFO_MISMATCH: a part of a record is not what its transaction info commits to
 * - RANGE_PROOF_MISMATCH: transaction infos are not under the ledger info's root
 * - STATE_PROOF_MISMATCH: state items are not under the snapshot's root
 * - STATE_KEY_ORDER: state items are not in strictly ascending order of key hashes
 * - LEDGER_INFO_INVALID, EPOCH_MISMATCH, SIGNATURE_INVALID, QUORUM_NOT_REACHED, WAYPOINT_INVALID
 * - MANIFEST_INVALID, METADATA_INVALID, JSON_INVALID: a backup's own files
 * - GENESIS_INVALID: a genesis blob that no genesis waypoint can be derived from
 */
export type AptosErrorCode =
  | 'BCS_INVALID'
  | 'UNSUPPORTED'
  | 'RECORD_INVALID'
  | 'RECORD_FORMAT_MIXED'
  | 'TRANSACTION_HASH_MISMATCH'
  | 'EVENT_ROOT_MISMATCH'
  | 'WRITE_SET_HASH_MISMATCH'
  | 'AUXILIARY_INFO_MISMATCH'
  | 'RANGE_PROOF_MISMATCH'
  | 'STATE_PROOF_MISMATCH'
  | 'STATE_KEY_ORDER'
  | 'LEDGER_INFO_INVALID'
  | 'EPOCH_MISMATCH'
  | 'SIGNATURE_INVALID'
  | 'QUORUM_NOT_REACHED'
  | 'WAYPOINT_INVALID'
  | 'MANIFEST_INVALID'
  | 'METADATA_INVALID'
  | 'JSON_INVALID'
  | 'GENESIS_INVALID';

export class AptosDataError extends Error {
  override readonly name = 'AptosDataError';

  constructor(
    readonly code: AptosErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
