import { createHash } from 'node:crypto';
import { chunkName, type RecordBlock } from '../aptos/index.js';
import type { FileWriter, Sent } from '../storage/backend.js';
import type { BackupStorage } from '../storage/storage.js';
import {
  type ChunkFacts,
  type Receipt,
  type StoredFile,
  describeFile,
  receiptOf,
  writeReceipt,
} from './receipt.js';
import { digestOf, putFile, readOwn, stampOf } from './stored-file.js';

const MAX_PROOF_BYTES = 16 * 1024 * 1024;

/** A chunk while its records arrive. */
export interface OpenChunk {
  /** Checks records [from, to) of a block. @throws AptosDataError naming the record and what differs */
  add(block: RecordBlock, from: number, to: number): void | Promise<void>;
  /** The file that proves it; undefined: its records prove themselves. */
  proof?: {
    name(last: bigint): string;
    /** Its bytes, e.g. from the node. */
    fetch(last: bigint, signal: AbortSignal): Promise<Uint8Array>;
  };
  /** Checks all records against the proof. May be called again with other bytes. */
  prove(last: bigint, proof: Uint8Array | undefined, signal: AbortSignal): Promise<ChunkFacts>;
}

/**
 * One chunk that is being stored. Records are checked and written to a hidden file. `finish` proves them,
 * and only then publishes proof, chunk and receipt, in that order.
 */
export class ChunkFile {
  records = 0;
  bytes = 0;
  private readonly sha256 = createHash('sha256');

  private constructor(
    private readonly storage: BackupStorage,
    private readonly folder: string,
    readonly first: bigint,
    private readonly name: string,
    private readonly file: FileWriter,
    private readonly chunk: OpenChunk,
    private readonly signal: AbortSignal,
  ) {}

  static async start(
    storage: BackupStorage,
    folder: string,
    first: bigint,
    chunk: OpenChunk,
    signal: AbortSignal,
  ): Promise<ChunkFile> {
    const name = chunkName(first);
    const file = await storage.createFile(folder, name);
    return new ChunkFile(storage, folder, first, name, file, chunk, signal);
  }

  /** Adds records [from, to) of a block; the block may be reused when this returns. */
  async add(block: RecordBlock, from: number, to: number): Promise<void> {
    await this.chunk.add(block, from, to);
    // Only now, because checking may have moved the memory of the block.
    const frames = block.bytes.subarray(block.start(from), block.end(to - 1));
    this.sha256.update(frames);
    await this.file.write(frames);
    this.records += to - from;
    this.bytes += frames.length;
  }

  /** Proves and publishes the chunk. Nothing of it is visible before it is proven. */
  async finish(): Promise<Receipt> {
    const last = this.first + BigInt(this.records) - 1n;
    const { facts, proof, sent } = await this.prove(last);
    const chunk = {
      name: this.name,
      bytes: this.bytes,
      sha256: this.sha256.digest('hex'),
    };
    const sentChunk = await this.publishChunk(chunk.sha256);
    const stored = {
      first: `${this.first}`,
      last: `${last}`,
      records: this.records,
      chunk: await this.stamped(chunk, sentChunk),
    };
    const receipt = receiptOf(stored, proof && (await this.stamped(proof, sent)), facts);
    await writeReceipt(this.storage, this.folder, receipt);
    return receipt;
  }

  async discard(): Promise<void> {
    await this.file.discard();
  }

  /** Without a stamp, the commit reads the file back. */
  private async stamped(file: StoredFile, sent: Sent | undefined): Promise<StoredFile> {
    const stamp = await stampOf(this.storage, `${this.folder}/${file.name}`, sent);
    return { ...file, ...(stamp === undefined ? {} : { stamp }) };
  }

  private async prove(
    last: bigint,
  ): Promise<{ facts: ChunkFacts; proof?: StoredFile; sent?: Sent | undefined }> {
    const file = this.chunk.proof;
    if (!file) return { facts: await this.chunk.prove(last, undefined, this.signal) };
    const name = file.name(last);
    const bytes = await file.fetch(last, this.signal);
    const facts = await this.chunk.prove(last, bytes, this.signal);
    let put = await putFile(this.storage, this.folder, name, bytes);
    if (put.outcome === 'exists') {
      const adopted = await this.adoptProof(name, last);
      if (adopted) return adopted;
      put = await putFile(this.storage, this.folder, name, bytes, { replace: true });
    }
    return { facts, proof: describeFile(name, bytes), sent: put.sent };
  }

  /**
   * A proof is already there: another attempt's. In an open epoch the node's answers differ and both
   * are right, so one that proves our chunk stays, and attempts that race agree on one.
   */
  private async adoptProof(name: string, last: bigint) {
    const handle = `${this.folder}/${name}`;
    const bytes = await readOwn(this.storage, handle, MAX_PROOF_BYTES);
    if (!bytes) return undefined;
    try {
      const facts = await this.chunk.prove(last, bytes, this.signal);
      return { facts, proof: describeFile(name, bytes) };
    } catch {
      this.signal.throwIfAborted();
      return undefined;
    }
  }

  /** Returns what was sent of it; undefined when the file was there already, and was read. */
  private async publishChunk(sha256: string): Promise<Sent | undefined> {
    if ((await this.file.publish()) === 'created') return this.file.sent;
    const stored = await digestOf(this.storage, this.file.handle);
    if (stored?.sha256 === sha256) {
      await this.file.discard();
      return undefined;
    }
    await this.file.publish({ replace: true });
    return this.file.sent;
  }
}
