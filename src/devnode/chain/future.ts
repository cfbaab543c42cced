import { BcsWriter } from '../../aptos/index.js';
import type { Random } from './random.js';
import { FRAMEWORK } from './transactions.js';

/**
 * Parts of a record that can have a newer format. Nodes of 2026 write the first three; the others are invented
 * and unknown to us. A backup can still prove some of them by their hashes; docs/formats.md says which.
 */
export const FUTURE_FORMS = [
  'write-set-v1',
  'epilogue-v2',
  'info-v1',
  'write-set',
  'transaction',
  'auxiliary',
  'auxiliary-unhashed',
  'event',
  'events',
  'status',
  'info',
  'ledger-info',
] as const;
export type FutureForm = (typeof FUTURE_FORMS)[number];

/** From version `from` on, the chain uses these formats instead of the known ones. */
export interface FutureRecords {
  forms: readonly FutureForm[];
  from: number;
}

/** The parts of a record whose hashes go into its transaction info. */
export interface PlainParts {
  transaction: Uint8Array;
  auxiliary: Uint8Array;
  events: Uint8Array[];
  writeSet: Uint8Array;
}

/** The newer formats that apply at a version. */
export function formsAt(future: FutureRecords | undefined, version: number): Set<FutureForm> {
  return new Set(future && version >= future.from ? future.forms : []);
}

/** Rewrites the parts of a record in the newer formats. */
export function ofTomorrow(parts: PlainParts, forms: Set<FutureForm>, random: Random): PlainParts {
  const { transaction, auxiliary, events, writeSet } = parts;
  const isCheckpoint = transaction[0] === 3;
  const event = newEvent(random);
  return {
    transaction:
      forms.has('epilogue-v2') && isCheckpoint
        ? epilogue(random)
        : forms.has('transaction') && !isCheckpoint
          ? Buffer.concat([Uint8Array.of(11), transaction, random.bytes(9)])
          : transaction,
    auxiliary:
      forms.has('auxiliary') || forms.has('auxiliary-unhashed')
        ? Buffer.concat([Uint8Array.of(4), random.bytes(12)])
        : auxiliary,
    events: forms.has('events')
      ? [...events, event, newEvent(random)]
      : forms.has('event')
        ? [...events, event]
        : events,
    writeSet: forms.has('write-set')
      ? Buffer.concat([Uint8Array.of(7), random.bytes(20), writeSet])
      : forms.has('write-set-v1')
        ? Buffer.concat([Uint8Array.of(1), writeSet.subarray(1), hotKeys(random)])
        : writeSet,
  };
}

/** Whether the transaction info contains the hash of this auxiliary info. */
export function isCommitted(auxiliary: Uint8Array, forms: Set<FutureForm>): boolean {
  return auxiliary[0] === 1 || (auxiliary[0]! > 2 && !forms.has('auxiliary-unhashed'));
}

/** Rewrites a V0 transaction info in the newer format. */
export function infoOfTomorrow(info: Uint8Array, forms: Set<FutureForm>): Uint8Array {
  const head = info.subarray(1, 9);
  const status = forms.has('status') ? Uint8Array.of(6, 3, 0, 1) : info.subarray(9, 10);
  const hashes = info.subarray(10, 106);
  const checkpoint = info.subarray(106, info[106] === 1 ? 139 : 107);
  const auxiliary = info.subarray(106 + checkpoint.length);
  const reserved = new Uint8Array(8);
  if (forms.has('info')) {
    return Buffer.concat([Uint8Array.of(2), head, status, auxiliary, hashes, checkpoint, reserved]);
  }
  if (forms.has('info-v1')) {
    const hot = Uint8Array.of(0);
    return Buffer.concat([
      Uint8Array.of(1),
      head,
      status,
      hashes,
      checkpoint,
      hot,
      auxiliary,
      reserved,
    ]);
  }
  return Buffer.concat([info.subarray(0, 9), status, info.subarray(10)]);
}

/** Rewrites a signed ledger info in the newer format. Its signatures stay valid: they do not cover the variant. */
export function ledgerInfoOfTomorrow(signed: Uint8Array, forms: Set<FutureForm>): Uint8Array {
  return forms.has('ledger-info') ? Buffer.concat([Uint8Array.of(1), signed.subarray(1)]) : signed;
}

/** A block epilogue V2: the fields of V1, and the keys of state items that become hot. */
function epilogue(random: Random): Uint8Array {
  const writer = new BcsWriter().uleb(6).uleb(2).fixed(random.bytes(32));
  writer.uleb(0).u8(0).u8(1).u64(1000n).u64(2000n);
  writer
    .uleb(0)
    .uleb(1)
    .u64(3n)
    .u64(BigInt(random.below(1000)));
  return writer.fixed(hotKeys(random).subarray(0, -1)).toBytes();
}

/** A set of state keys, without an extension. */
function hotKeys(random: Random): Uint8Array {
  return new BcsWriter()
    .uleb(1)
    .uleb(1)
    .fixed(random.bytes(32))
    .bytes(random.bytes(8))
    .uleb(0)
    .toBytes();
}

function newEvent(random: Random): Uint8Array {
  const writer = new BcsWriter().uleb(3).u64(9n).uleb(7).fixed(FRAMEWORK);
  return writer.string('coin').string('Future').uleb(0).bytes(random.bytes(16)).toBytes();
}
