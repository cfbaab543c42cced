import type { AptosErrorCode } from '../../aptos/index.js';
import type { ErrorEntry } from '../entry.js';

/** Data of the chain. What each code means, the library itself says: aptos/data-error.ts. */
type ChainDataEntry = Omit<ErrorEntry, 'meaning'>;

/** Something that a node sent, or a stored file, is not what the chain says. */
const BAD_DATA = {
  fault: 'the node',
  retryable: true,
  budget: 'lies',
  rest: 'lie',
  finding: 'DAMAGED',
  whatToDo:
    'If a node sent it, give another node. If it is a stored file, put it back from a copy, or back it up again.',
} as const satisfies ChainDataEntry;

/** A file of the storage, or one that a person gave: no node has a part in it. */
const BAD_FILE = {
  fault: 'the storage',
  retryable: true,
  budget: 'lies',
  finding: 'DAMAGED',
  whatToDo: 'Put the file back from a copy, or give the right one.',
} as const satisfies ChainDataEntry;

export const CHAIN_DATA_ERRORS = {
  BCS_INVALID: BAD_DATA,
  UNSUPPORTED: {
    fault: 'aptos-backup',
    retryable: true,
    budget: 'unknown',
    finding: 'UNPROVEN',
    whatToDo: 'Update aptos-backup.',
  },
  RECORD_INVALID: BAD_DATA,
  RECORD_FORMAT_MIXED: BAD_DATA,
  TRANSACTION_HASH_MISMATCH: BAD_DATA,
  EVENT_ROOT_MISMATCH: BAD_DATA,
  WRITE_SET_HASH_MISMATCH: BAD_DATA,
  AUXILIARY_INFO_MISMATCH: BAD_DATA,
  RANGE_PROOF_MISMATCH: BAD_DATA,
  STATE_PROOF_MISMATCH: BAD_DATA,
  STATE_KEY_ORDER: BAD_DATA,
  LEDGER_INFO_INVALID: BAD_DATA,
  EPOCH_MISMATCH: BAD_DATA,
  SIGNATURE_INVALID: BAD_DATA,
  QUORUM_NOT_REACHED: BAD_DATA,
  WAYPOINT_INVALID: BAD_DATA,
  MANIFEST_INVALID: BAD_FILE,
  METADATA_INVALID: BAD_FILE,
  JSON_INVALID: BAD_FILE,
  GENESIS_INVALID: BAD_FILE,
} as const satisfies Record<AptosErrorCode, ChainDataEntry>;
