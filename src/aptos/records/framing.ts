import { AptosDataError } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';

const BLOCK_BYTES = 1024 * 1024;
/** The largest record that is accepted. Records of a real chain are far smaller; a length prefix can claim 4 GiB. */
export const MAX_RECORD_BYTES = 256 * 1024 * 1024;

/**
 * Whole records with their length prefixes (frames), one after another in the hasher's memory. Valid until more bytes
 * are pushed into the framer.
 */
export class RecordBlock {
  constructor(
    private readonly hasher: BatchHasher,
    private readonly address: number,
    /** The end of each frame, as an offset into `bytes`. */
    private readonly ends: readonly number[],
  ) {}

  get count(): number {
    return this.ends.length;
  }

  /** Offset of frame i (its length prefix) in `bytes`. */
  start(i: number): number {
    return i === 0 ? 0 : this.ends[i - 1]!;
  }

  /** Offset behind frame i. */
  end(i: number): number {
    return this.ends[i]!;
  }

  /** Address of `bytes` in the hasher's memory. */
  get base(): number {
    return this.address;
  }

  /** All frames. Read this property again after hashing: the memory may have been replaced. */
  get bytes(): Uint8Array {
    return this.hasher.memory.subarray(this.address, this.address + (this.ends.at(-1) ?? 0));
  }
}

/**
 * Cuts a stream of length-prefixed records (docs/formats.md, Records) into blocks of whole records. Copies the bytes
 * once, into the memory in which they are hashed.
 */
export class RecordFramer {
  /** Whole records seen so far. */
  recordCount = 0;
  private readonly blockBytes: number;
  private readonly maxRecordBytes: number;
  private capacity: number;
  private filled = 0;
  /** Ends of whole frames in the block. */
  private ends: number[] = [];

  constructor(
    private readonly hasher: BatchHasher,
    options: { blockBytes?: number; maxRecordBytes?: number } = {},
  ) {
    this.blockBytes = options.blockBytes ?? BLOCK_BYTES;
    this.maxRecordBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.capacity = this.blockBytes;
    this.address();
  }

  /**
   * Takes the next bytes of the stream and yields blocks of whole records.
   * @throws AptosDataError RECORD_INVALID when a length prefix is above the limit
   */
  *push(bytes: Uint8Array): Generator<RecordBlock> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.filled === this.capacity) {
        if (this.ends.length > 0) yield* this.release();
        else this.capacity = Math.min(this.capacity * 2, this.maxRecordBytes + 4);
      }
      const part = rest.subarray(0, this.capacity - this.filled);
      const end = this.address() + this.filled; // first, because `address` may replace `memory`
      this.hasher.memory.set(part, end);
      this.filled += part.length;
      rest = rest.subarray(part.length);
      this.findRecords();
    }
    if (this.filled >= this.blockBytes && this.ends.length > 0) yield* this.release();
  }

  /**
   * Call it at the end of the stream. Returns the records that `push` has not yielded yet; undefined when there are
   * none. @throws AptosDataError RECORD_INVALID when the stream ends inside a record
   */
  flush(): RecordBlock | undefined {
    const whole = this.ends.at(-1) ?? 0;
    if (this.filled > whole) {
      throw new AptosDataError(
        'RECORD_INVALID',
        `the stream ends inside record ${this.recordCount}, ${this.filled - whole} bytes after its start`,
      );
    }
    const block = this.block();
    this.forget();
    return block.count > 0 ? block : undefined;
  }

  /** Forgets the bytes of an incomplete record, when the stream broke. The caller requests that record again. */
  dropPartial(): void {
    this.filled = this.ends.at(-1) ?? 0;
  }

  private *release(): Generator<RecordBlock> {
    const block = this.block();
    const whole = block.end(block.count - 1);
    const { filled } = this;
    yield block;
    const address = this.address();
    this.hasher.memory.copyWithin(address, address + whole, address + filled);
    this.forget();
    this.filled = filled - whole;
  }

  private block(): RecordBlock {
    return new RecordBlock(this.hasher, this.address(), this.ends);
  }

  private forget(): void {
    this.ends = [];
    this.filled = 0;
  }

  private findRecords(): void {
    const address = this.address();
    const { memory } = this.hasher;
    let at = this.ends.at(-1) ?? 0;
    while (this.filled - at >= 4) {
      const p = address + at;
      const length =
        memory[p]! * 0x1000000 + ((memory[p + 1]! << 16) | (memory[p + 2]! << 8) | memory[p + 3]!);
      if (length > this.maxRecordBytes) {
        throw new AptosDataError(
          'RECORD_INVALID',
          `record ${this.recordCount} claims ${length} bytes; the limit is ${this.maxRecordBytes}`,
        );
      }
      if (this.filled - at - 4 < length) return;
      at += 4 + length;
      this.ends.push(at);
      this.recordCount += 1;
    }
  }

  /** The address of the block. Call it each time, because the region moves when it grows. */
  private address(): number {
    return this.hasher.region('records', this.capacity);
  }
}
