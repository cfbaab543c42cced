import { Learnt } from './learnt.js';
import type { RecordStream } from '../kinds/kind.js';
import { readSpan } from '../../trust/read-span.js';

const PLACES = 8;

/**
 * The average size of a unit's records in bytes, frame included, from a few places spread over it.
 * Good enough to cut ranges by; the cut rule looks at every record. Places that were sampled before are in `learnt`.
 */
export async function sampleRecordSize(
  unit: { first: bigint; records: bigint },
  recordsAtEachPlace: bigint,
  stream: RecordStream,
  learnt: Learnt,
  signal: AbortSignal,
): Promise<number> {
  const open = (from: bigint, count: bigint) => stream(from, count, signal);
  let bytes = 0;
  let records = 0;
  const end = unit.first + unit.records;
  let sampledTo = unit.first;
  for (let place = 0n; place < BigInt(PLACES); place += 1n) {
    const spread = unit.first + (unit.records * place) / BigInt(PLACES);
    const at = spread > sampledTo ? spread : sampledTo;
    const count = end - at < recordsAtEachPlace ? end - at : recordsAtEachPlace;
    if (count <= 0n) break;
    const sampled = await learnt.once(`size at ${at}`, async () => {
      let sum = 0;
      for await (const record of readSpan(open, at, count, signal)) sum += record.length + 4;
      return sum;
    });
    bytes += sampled;
    records += Number(count);
    sampledTo = at + count;
  }
  return records === 0 ? 1 : bytes / records;
}
