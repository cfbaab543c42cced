import { createHash } from 'node:crypto';
import {
  AptosDataError,
  type BatchHasher,
  type JsonObject,
  type RecordBlock,
} from '../aptos/index.js';
import { requireDigest } from '../verify/stored-records.js';
import type { BackupStorage } from '../storage/storage.js';
import { type Block, BlockCutter, inHasher, partOf } from './blocks.js';
import type { ChunkCache } from './chunk-cache.js';
import { damagedIf } from './not-served.js';

/** The check of one reading of a chunk. Both throw AptosDataError. */
export interface ChunkCheck {
  add(block: RecordBlock): void;
  /** Called after the last record: whether all of them together are what the proof says. */
  prove(): void;
}

/** A stored chunk file. */
export interface ChunkFile {
  handle: string;
  /** How many records it has. */
  count: number;
  /** Our fields of the manifest. */
  extra: JsonObject | undefined;
  /** Begins a check. Reads what the proof of the chunk needs. */
  beginCheck(): Promise<ChunkCheck>;
}

/** Chunks with no more records than this are read from the storage each time. */
const FEW_RECORDS = 16;

/** Reads chunks, and gives none of them out whole before all of it is proven. */
export class ChunkReader {
  /** Chunks that were proven since the start. */
  readonly proven = new Set<string>();

  constructor(
    private readonly storage: BackupStorage,
    readonly hasher: BatchHasher,
    private readonly cache: ChunkCache,
  ) {}

  /**
   * Records [from, to) of a chunk. The last of them are given only when the whole chunk is proven, so a reader that
   * comes to the end has nothing that is damaged. `signal` ends the reading.
   * @throws DamagedFile, StorageError
   */
  async *read(
    chunk: ChunkFile,
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Block> {
    const wantsLittle = (to - from) * 2 <= chunk.count && chunk.count > FEW_RECORDS;
    const lease =
      wantsLittle || this.cache.has(chunk.handle)
        ? await this.cache.lease(chunk.handle, (take) => this.load(chunk, take))
        : undefined;
    if (lease) {
      try {
        for (const block of lease.blocks) {
          const part = partOf(block, from, to);
          if (part) yield part;
        }
      } finally {
        lease.release();
      }
      return;
    }
    let held: Block | undefined;
    for await (const block of this.scan(chunk, await chunk.beginCheck(), signal)) {
      const part = partOf(block, from, to);
      if (!part) continue;
      if (held) yield held;
      held = part;
    }
    if (held) yield held;
  }

  /** Reads a whole chunk, and checks it with `check`. Whatever is given is proven only at the end. */
  async *scan(chunk: ChunkFile, check: ChunkCheck, signal?: AbortSignal): AsyncGenerator<Block> {
    try {
      for await (const block of this.cut(chunk, signal)) {
        check.add(inHasher(this.hasher, block));
        yield block;
      }
      check.prove();
    } catch (error) {
      throw damagedIf(chunk.handle, error);
    }
    this.proven.add(chunk.handle);
  }

  private async *cut(
    { handle, count, extra }: ChunkFile,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Block> {
    const storage = signal ? this.storage.withSignal(signal) : this.storage;
    const cutter = new BlockCutter();
    const digest = createHash('sha256');
    let bytes = 0;
    const checked = (block: Block | undefined): Block | undefined => {
      if (cutter.count <= count) return block;
      const why = `it has more than the ${count} records that its manifest says`;
      throw new AptosDataError('RECORD_INVALID', why);
    };
    for await (const part of storage.read(handle)) {
      digest.update(part);
      bytes += part.length;
      const block = checked(cutter.push(part));
      if (block) yield block;
    }
    const rest = checked(cutter.flush());
    if (rest) yield rest;
    if (cutter.count < count) {
      const why = `it has ${cutter.count} records, its manifest says ${count}`;
      throw new AptosDataError('RECORD_INVALID', why);
    }
    requireDigest(extra, 'sha256', digest.digest('hex'), bytes);
  }

  /** A whole proven chunk; undefined when there is no room for it. */
  private async load(
    chunk: ChunkFile,
    take: (bytes: number) => boolean,
  ): Promise<readonly Block[] | undefined> {
    const blocks: Block[] = [];
    for await (const block of this.scan(chunk, await chunk.beginCheck())) {
      if (!take(block.bytes.length + block.ends.length * 8)) return undefined;
      blocks.push(block);
    }
    return blocks;
  }
}
