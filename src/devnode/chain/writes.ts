import { BcsWriter } from '../../aptos/index.js';
import type { StateItems } from './items.js';
import type { Random } from './random.js';

interface Write {
  key: Uint8Array;
  op: Uint8Array;
}

/**
 * Makes a write set and applies it to the state. It creates `creations` items, changes up to two and sometimes
 * removes one. Values have no metadata, or metadata of version 0 or 1.
 */
export function makeWriteSet(items: StateItems, random: Random, creations: number): Uint8Array {
  const writes: Write[] = [];
  const touched = new Set<number>();
  const older = items.count;
  for (let i = 0; i < creations; i += 1) {
    const metadata = metadataFor(random);
    const data = random.bytes(8 + random.below(72));
    const item = items.create(stateValue(data, metadata));
    writes.push({ key: items.key(item), op: writeOp(metadata ? 3 : 0, data, metadata) });
  }
  for (let i = 0; i < 2 && older > 16; i += 1) {
    const item = 8 + random.below(older - 8);
    if (touched.has(item) || !items.exists(item)) continue;
    touched.add(item);
    const key = items.key(item);
    if (random.below(40) === 0) {
      items.remove(item);
      writes.push({ key, op: random.below(2) === 0 ? writeOp(2) : writeOp(5, undefined, META) });
      continue;
    }
    const metadata = metadataFor(random);
    const data = random.bytes(8 + random.below(72));
    items.write(item, stateValue(data, metadata));
    writes.push({ key, op: writeOp(metadata ? 4 : 1, data, metadata) });
  }
  return encodeWriteSet(writes);
}

/** Encodes a write set. It is a map in BCS, so its keys must be sorted by their bytes. */
export function encodeWriteSet(writes: Write[]): Uint8Array {
  const sorted = writes.sort((a, b) => Buffer.compare(a.key, b.key));
  const writer = new BcsWriter(256).uleb(0);
  writer.sequence(sorted, ({ key, op }) => writer.fixed(key).fixed(op));
  return writer.toBytes();
}

/** The state value in BCS after a write of `data`. */
export function stateValue(data: Uint8Array, metadata?: Uint8Array): Uint8Array {
  const writer = new BcsWriter(128).uleb(metadata ? 1 : 0).bytes(data);
  return (metadata ? writer.fixed(metadata) : writer).toBytes();
}

export function writeOp(kind: number, data?: Uint8Array, metadata?: Uint8Array): Uint8Array {
  const writer = new BcsWriter(128).uleb(kind);
  if (data) writer.bytes(data);
  if (metadata) writer.fixed(metadata);
  return writer.toBytes();
}

const META = new BcsWriter().uleb(0).u64(40_000n).u64(1_700_000_000_000_000n).toBytes();

function metadataFor(random: Random): Uint8Array | undefined {
  const kind = random.below(3);
  if (kind === 0) return undefined;
  if (kind === 1) return META;
  const writer = new BcsWriter()
    .uleb(1)
    .u64(40_000n)
    .u64(BigInt(1 + random.below(100_000)));
  return writer.u64(1_700_000_000_000_000n).toBytes();
}
