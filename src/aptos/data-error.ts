/**
 * What can be wrong with data of the chain or with the files of a backup:
 *
 * - BCS_INVALID: bytes are not the canonical encoding of what they should be
 * - UNSUPPORTED: a form that this version does not know. It cannot be proven, and need not be damaged
 * - RECORD_INVALID: a length-prefixed record is cut off or too large, or its parts cannot be found
 * - RECORD_FORMAT_MIXED: records of formats V0 and V1 in one chunk
 * - TRANSACTION_HASH_MISMATCH, EVENT_ROOT_MISMATCH, WRITE_SET_HASH_MISMATCH,
 *   AUXILIARY_INFO_MISMATCH: a part of a record is not what its transaction info commits to
 * - RANGE_PROOF_MISMATCH: transaction infos are not under the ledger info's root
 * - STATE_PROOF_MISMATCH: state items are not under the snapshot's root
 * - STATE_KEY_ORDER: state items are not in strictly ascending order of key hashes
 * - LEDGER_INFO_INVALID: a field of a ledger info has a value that it cannot have
 * - EPOCH_MISMATCH: a ledger info is of another epoch or version than expected
 * - SIGNATURE_INVALID: the signature of a ledger info is missing or wrong
 * - QUORUM_NOT_REACHED: the signers have two thirds of the voting power or less
 * - WAYPOINT_INVALID: a text is not `VERSION:HASH`
 * - MANIFEST_INVALID, METADATA_INVALID, JSON_INVALID: a manifest or metadata line is wrong
 * - GENESIS_INVALID: no genesis waypoint can be derived from a genesis blob
 */
export const APTOS_ERRORS = {
  BCS_INVALID: 'Bytes are not the canonical encoding of what they should be.',
  UNSUPPORTED:
    'The data has a form that this version does not know, so it cannot be proven. It need not be damaged.',
  RECORD_INVALID: 'A record is cut off, too large, or not what it should be.',
  RECORD_FORMAT_MIXED: 'One chunk has records of formats V0 and V1.',
  TRANSACTION_HASH_MISMATCH: 'A transaction is not the one that its transaction info names.',
  EVENT_ROOT_MISMATCH: 'The events are not those that the transaction info names.',
  WRITE_SET_HASH_MISMATCH: 'The write set is not the one that the transaction info names.',
  AUXILIARY_INFO_MISMATCH: 'The auxiliary info is not the one that the transaction info names.',
  RANGE_PROOF_MISMATCH: "The transaction infos are not under the ledger info's root.",
  STATE_PROOF_MISMATCH: "The state items are not under the snapshot's root.",
  STATE_KEY_ORDER: 'The state items are not in strictly ascending order of their key hashes.',
  LEDGER_INFO_INVALID: 'A ledger info does not have the form that it must have.',
  EPOCH_MISMATCH: 'The data belongs to another epoch than it should.',
  SIGNATURE_INVALID: 'The signature of a ledger info is wrong.',
  QUORUM_NOT_REACHED: 'Too few validators signed a ledger info.',
  WAYPOINT_INVALID: 'A waypoint is not of the form VERSION:HASH, or a ledger info has another one.',
  MANIFEST_INVALID: 'A manifest is not what it should be.',
  METADATA_INVALID: 'A metadata file or line is not what it should be.',
  JSON_INVALID: 'A file is not valid JSON, or lacks a field.',
  GENESIS_INVALID: 'No genesis waypoint can be derived from the genesis blob.',
} as const;

export type AptosErrorCode = keyof typeof APTOS_ERRORS;

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

/** UNSUPPORTED: an enum has a variant that this code does not know. */
export class UnknownForm extends AptosDataError {
  /** The message without its advice: which variant of which enum is not known. */
  readonly form: string;

  constructor(
    /** Name of the enum in the chain's own code. */
    readonly what: string,
    readonly variant: number,
    /** Offset of the variant index in the bytes that were read. */
    readonly at: number,
  ) {
    const form = `variant ${variant} of ${what} is not known`;
    super('UNSUPPORTED', `${form} (at byte ${at}); update aptos-backup`);
    this.form = form;
  }
}

/** Runs `read` and puts `what` in front of the message of an AptosDataError. */
export function naming<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    throw new AptosDataError(error.code, `${what}: ${error.message}`, { cause: error });
  }
}
