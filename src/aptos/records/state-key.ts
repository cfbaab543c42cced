import { invalidAt, lastUleb, skipLength } from '../bcs/skip.js';
import { skipStateKey } from '../bcs/skip-state.js';
import { hash } from '../hash/seeds.js';

/** What a state key hashes is not its BCS form: table items and raw keys lose their length. */
const TABLE_ITEM = 1;
const RAW = 2;

/**
 * Writes the form of the state key at [pos, end) that is hashed (docs/formats.md, Hashes) to `out`
 * and returns its length, or 0 when the BCS form itself is hashed.
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

/** Hash of a state key given in BCS: its place in the state tree. @throws AptosDataError BCS_INVALID */
export function stateKeyHash(key: Uint8Array): Uint8Array {
  if (skipStateKey(key, 0, key.length) !== key.length) throw invalidAt('bytes are left over', 0);
  const form = new Uint8Array(key.length + 1);
  const length = hashedKeyForm(key, 0, key.length, form, 0);
  return hash('StateKey', length === 0 ? key : form.subarray(0, length));
}

/** The same for a whole record of a state snapshot, `(StateKey, StateValue)`. */
export function stateRecordKeyHash(record: Uint8Array): Uint8Array {
  return stateKeyHash(record.subarray(0, skipStateKey(record, 0, record.length)));
}
