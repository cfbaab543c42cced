import { AptosDataError } from '../data-error.js';
import { MAX_RECORD_BYTES } from './framing.js';

/**
 * Splits a small stream of length-prefixed records (docs/formats.md, Records) into its records, without the prefixes.
 * For ledger infos and samples; chunks go through `RecordFramer`. @throws AptosDataError RECORD_INVALID
 */
export async function* readRecords(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array = new Uint8Array(0);
  for await (const bytes of body) {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    let at = 0;
    while (pending.length - at >= 4) {
      const length = new DataView(pending.buffer, pending.byteOffset + at, 4).getUint32(0);
      if (length > MAX_RECORD_BYTES) {
        const why = `a record of ${length} bytes is larger than any can be (${MAX_RECORD_BYTES})`;
        throw new AptosDataError('RECORD_INVALID', why);
      }
      if (pending.length - at - 4 < length) break;
      yield pending.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
    pending = pending.subarray(at);
  }
  if (pending.length > 0) {
    throw new AptosDataError(
      'RECORD_INVALID',
      `the stream ends inside a record, ${pending.length} bytes after the last whole one`,
    );
  }
}
