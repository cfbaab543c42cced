import { hash as oneShot } from 'node:crypto';

/** Names of the hashed types. Each type has its own seed (docs/formats.md, Hashes). */
export type SeedName =
  | 'Transaction'
  | 'TransactionInfo'
  | 'TransactionAccumulator'
  | 'EventAccumulator'
  | 'ContractEvent'
  | 'WriteSet'
  | 'StateKey'
  | 'StateValue'
  | 'SparseMerkleLeafNode'
  | 'SparseMerkleInternal'
  | 'LedgerInfo'
  | 'Ledger2WaypointConverter'
  | 'PersistedAuxiliaryInfo';

const seeds = new Map<SeedName, Uint8Array>();

/** `sha3_256("APTOS::" ‖ name)`. It stands in front of the bytes in every hash of that type. */
export function seed(name: SeedName): Uint8Array {
  let known = seeds.get(name);
  if (!known) {
    known = sha3(Buffer.from(`APTOS::${name}`, 'ascii'));
    seeds.set(name, known);
  }
  return known;
}

/** `sha3_256(seed(name) ‖ parts...)`: one hash. For many hashes use the batch hasher. */
export function hash(name: SeedName, ...parts: Uint8Array[]): Uint8Array {
  return sha3(Buffer.concat([seed(name), ...parts]));
}

/** Plain SHA3-256 (FIPS 202). */
export function sha3(bytes: Uint8Array): Uint8Array {
  return oneShot('sha3-256', bytes, 'buffer');
}

/** The root of an empty accumulator. It also fills up levels with an odd number of nodes. */
export const ACCUMULATOR_PLACEHOLDER = placeholder('ACCUMULATOR_PLACEHOLDER_HASH');
/** The root of an empty state tree or subtree. */
export const SPARSE_MERKLE_PLACEHOLDER = placeholder('SPARSE_MERKLE_PLACEHOLDER_HASH');

function placeholder(text: string): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(Buffer.from(text, 'ascii'));
  return bytes;
}
