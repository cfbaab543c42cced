import { AptosDataError, type BatchHasher, MAX_RECORD_BYTES, RecordBlock } from '../aptos/index.js';

const BLOCK_BYTES = 512 * 1024;

/** Whole records of a chunk with their length prefixes, one after another. */
export interface Block {
  bytes: Uint8Array;
  /** Where each record ends in `bytes`. */
  ends: readonly number[];
  /** The number of the first one in its chunk, from 0. */
  first: number;
}

/** Record i of a block, without its length prefix. */
export function recordOf({ bytes, ends }: Block, i: number): Uint8Array {
  return bytes.subarray((i === 0 ? 0 : ends[i - 1]!) + 4, ends[i]);
}

/** The records of a block that lie in [from, to) of the chunk; undefined when there are none. */
export function partOf(block: Block, from: number, to: number): Block | undefined {
  const { bytes, ends, first } = block;
  const begin = Math.max(0, from - first);
  const end = Math.min(ends.length, to - first);
  if (begin >= end) return undefined;
  if (begin === 0 && end === ends.length) return block;
  const start = begin === 0 ? 0 : ends[begin - 1]!;
  return {
    bytes: bytes.subarray(start, ends[end - 1]),
    ends: ends.slice(begin, end).map((at) => at - start),
    first: first + begin,
  };
}

/** The same block in the hasher's memory, where checks expect it. Valid until the next call. */
export function inHasher(hasher: BatchHasher, { bytes, ends }: Block): RecordBlock {
  const at = hasher.region('served records', bytes.length);
  hasher.memory.set(bytes, at);
  return new RecordBlock(hasher, at, ends);
}

/**
 * Cuts the bytes of a chunk file into blocks of whole records. Many files are read at once, so it has its own
 * memory; `RecordFramer` works in the memory of the hasher.
 */
export class BlockCutter {
  /** Whole records so far. */
  count = 0;
  private parts: Uint8Array[] = [];
  private held = 0;
  /** Fewer bytes than this hold no whole block. */
  private needed = BLOCK_BYTES;

  /** @throws AptosDataError RECORD_INVALID when a length prefix is above the limit */
  push(part: Uint8Array): Block | undefined {
    this.parts.push(part);
    this.held += part.length;
    return this.held >= this.needed ? this.cut() : undefined;
  }

  /** The rest. @throws AptosDataError RECORD_INVALID when the file ends inside a record */
  flush(): Block | undefined {
    const block = this.cut();
    if (this.held === 0) return block;
    const why = `it ends inside record ${this.count}, ${this.held} bytes after its start`;
    throw new AptosDataError('RECORD_INVALID', why);
  }

  private cut(): Block | undefined {
    const bytes = Buffer.concat(this.parts);
    const ends: number[] = [];
    let at = 0;
    let next = 4;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at);
      if (length > MAX_RECORD_BYTES) {
        const why = `record ${this.count + ends.length} claims ${length} bytes; the limit is ${MAX_RECORD_BYTES}`;
        throw new AptosDataError('RECORD_INVALID', why);
      }
      next = 4 + length;
      if (bytes.length - at < next) break;
      at += next;
      ends.push(at);
    }
    const rest = bytes.subarray(at);
    this.parts = rest.length === 0 ? [] : [rest];
    this.held = rest.length;
    this.needed = Math.max(BLOCK_BYTES, next);
    if (ends.length === 0) return undefined;
    const block = { bytes: bytes.subarray(0, at), ends, first: this.count };
    this.count += ends.length;
    return block;
  }
}
