import { invalidAt, lastUleb, skipLength } from '../bcs/skip.js';
import { skipStateKey, skipStateValue } from '../bcs/skip-state.js';
import { AptosDataError } from '../data-error.js';
import { hash } from '../hash/seeds.js';

/** The variants of a state key that are not hashed in their BCS form: the length of the key is left out. */
const TABLE_ITEM = 1;
const RAW = 2;

/**
 * Writes the hashed form of the state key at [pos, end) (docs/formats.md, Hashes) into `target` at `out`. Returns its
 * length. Writes nothing and returns 0 when the BCS form itself is hashed.
 */
export function hashedKeyForm(
  buf: Uint8Array,
  pos: number,
  end: number,
  target: Uint8Array,
  out: number,
): number {
  const variant = buf[pos]!;
  if (variant === TABLE_ITEM) {
    const key = skipLength(buf, pos + 33, end);
    target.set(buf.subarray(pos, pos + 33), out);
    target.set(buf.subarray(key, key + lastUleb), out + 33);
    return 33 + lastUleb;
  }
  if (variant === RAW) {
    const raw = skipLength(buf, pos + 1, end);
    target[out] = 0xff;
    target.set(buf.subarray(raw, raw + lastUleb), out + 1);
    return 1 + lastUleb;
  }
  return 0;
}

const ACCESS_PATH = 0;
/** Bytes of the shortest path: a variant, an address, an empty name. */
const SHORTEST_PATH = 34;

/**
 * Reads the key of a state record as if only its variant were damaged. Returns the hashed form that the key would
 * have, and where it ends. Undefined when no other variant fits.
 */
export function guessKey(record: Uint8Array): { form: Uint8Array; end: number } | undefined {
  for (const variant of [TABLE_ITEM, RAW]) {
    const key = Uint8Array.from(record);
    key[0] = variant;
    try {
      const end = skipStateKey(key, 0, key.length);
      if (skipStateValue(key, end, key.length) !== key.length) continue;
      // An access path has the same layout as a table item. It is one if it contains a path.
      if (variant === TABLE_ITEM && end >= 34 + SHORTEST_PATH && key[34]! <= 2) {
        key[0] = ACCESS_PATH;
      }
      const form = new Uint8Array(end + 1);
      const length = hashedKeyForm(key, 0, end, form, 0);
      return { form: length === 0 ? key.subarray(0, end) : form.subarray(0, length), end };
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
    }
  }
  return undefined;
}

/** Hash of a state key in BCS, which is its place in the state tree. @throws AptosDataError BCS_INVALID */
export function stateKeyHash(key: Uint8Array): Uint8Array {
  if (skipStateKey(key, 0, key.length) !== key.length) throw invalidAt('bytes are left over', 0);
  const form = new Uint8Array(key.length + 1);
  const length = hashedKeyForm(key, 0, key.length, form, 0);
  return hash('StateKey', length === 0 ? key : form.subarray(0, length));
}

/** Key hash of a record of a state snapshot, `(StateKey, StateValue)`. @throws AptosDataError BCS_INVALID */
export function stateRecordKeyHash(record: Uint8Array): Uint8Array {
  return stateKeyHash(record.subarray(0, skipStateKey(record, 0, record.length)));
}
