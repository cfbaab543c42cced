import { createHash } from 'node:crypto';
import { chunkName, type RecordBlock } from '../aptos/index.js';
import type { FileWriter } from '../storage/backend.js';
import type { BackupStorage } from '../storage/storage.js';
import {
  type ChunkFacts,
  type Receipt,
  type StoredFile,
  describeFile,
  receiptOf,
  writeReceipt,
} from './receipt.js';
import { digestOf, putFile, readOwn } from './stored-file.js';

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
    const { facts, proof } = await this.prove(last);
    const chunk = {
      name: this.name,
      bytes: this.bytes,
      sha256: this.sha256.digest('hex'),
    };
    await this.publishChunk(chunk.sha256);
    const stored = {
      first: `${this.first}`,
      last: `${last}`,
      records: this.records,
      chunk: await this.stamped(chunk),
    };
    const receipt = receiptOf(stored, proof && (await this.stamped(proof)), facts);
    await writeReceipt(this.storage, this.folder, receipt);
    return receipt;
  }

  async discard(): Promise<void> {
    await this.file.discard();
  }

  private async stamped(file: StoredFile): Promise<StoredFile> {
    const stamp = (await this.storage.stat(`${this.folder}/${file.name}`))?.stamp;
    return { ...file, ...(stamp === undefined ? {} : { stamp }) };
  }

  private async prove(last: bigint): Promise<{ facts: ChunkFacts; proof?: StoredFile }> {
    const file = this.chunk.proof;
    if (!file) return { facts: await this.chunk.prove(last, undefined, this.signal) };
    const name = file.name(last);
    const bytes = await file.fetch(last, this.signal);
    const facts = await this.chunk.prove(last, bytes, this.signal);
    const { outcome } = await putFile(this.storage, this.folder, name, bytes);
    if (outcome === 'exists') {
      const adopted = await this.adoptProof(name, last);
      if (adopted) return adopted;
      await putFile(this.storage, this.folder, name, bytes, { replace: true });
    }
    return { facts, proof: describeFile(name, bytes) };
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

  private async publishChunk(sha256: string): Promise<void> {
    if ((await this.file.publish()) === 'created') return;
    const stored = await digestOf(this.storage, this.file.handle);
    if (stored?.sha256 === sha256) await this.file.discard();
    else await this.file.publish({ replace: true });
  }
}
