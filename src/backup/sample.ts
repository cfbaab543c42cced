import { readRecords } from './record-stream.js';

const PLACES = 8;

/**
 * The average size of a unit's records in bytes, frame included, from a few places spread over it.
 * Good enough to cut ranges by; the cut rule looks at every record.
 */
export async function sampleRecordSize(
  unit: { first: bigint; records: bigint },
  recordsAtEachPlace: bigint,
  stream: (first: bigint, count: bigint) => AsyncIterable<Uint8Array>,
): Promise<number> {
  let bytes = 0;
  let records = 0;
  const end = unit.first + unit.records;
  let sampledTo = unit.first;
  for (let place = 0n; place < BigInt(PLACES); place += 1n) {
    const spread = unit.first + (unit.records * place) / BigInt(PLACES);
    const at = spread > sampledTo ? spread : sampledTo;
    const count = end - at < recordsAtEachPlace ? end - at : recordsAtEachPlace;
    if (count <= 0n) break;
    for await (const record of readRecords(stream(at, count))) {
      bytes += record.length + 4;
      records += 1;
    }
    sampledTo = at + count;
  }
  return records === 0 ? 1 : bytes / records;
}
