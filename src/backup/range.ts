import { AptosDataError } from '../aptos/errors.js';
import { cutsBefore } from '../aptos/files/chunking.js';
import type { BatchHasher } from '../aptos/hash/batch-hasher.js';
import { type RecordBlock, RecordFramer } from '../aptos/records/framing.js';
import { NodeError, isSilence } from '../node/errors.js';
import { noteSeconds, timed } from '../node/traffic.js';
import type { BackupType } from '../plan/job.js';
import type { Range, RangeResult } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { ChunkFile } from './chunk-file.js';
import { BackupError } from './errors.js';
import type { RecordKind } from './kinds/kind.js';
import { type Receipt, checksOut, readReceipt } from './receipt.js';
import { requireOpenUnit } from './unit-folder.js';

export interface RangeTools {
  type: BackupType;
  kind: RecordKind;
  storage: BackupStorage;
  hasher: BatchHasher;
  maxChunkSize: number;
  /** Who the records come from, for messages. */
  source: string;
  signal: AbortSignal;
  report(progress: { phase: string; records: number; bytes: number }): void;
}

/**
 * Makes sure that the records of one range are stored in `folder` as proven chunks: what is already
 * there and checks out stays, the rest is streamed from the node, cut by the stock rule, proven and
 * published chunk by chunk. Can be stopped and run again at any point.
 * @throws NodeError, StorageError, BackupError (NODE_LIED when records fail their proof)
 */
export async function backUpRange(
  folder: string,
  range: Range,
  tools: RangeTools,
): Promise<RangeResult> {
  await requireOpenUnit(tools.storage, folder, tools.signal);
  const stored = await findStored(folder, range, tools);
  const job = new RangeJob(folder, range, stored, tools);
  try {
    if (job.next <= job.last) await job.streamRest();
  } catch (error) {
    throw error instanceof AptosDataError ? lied(error, range, tools) : error;
  } finally {
    await job.discardOpenChunk();
  }
  return job.result(stored.length);
}

/** The chunks of this range that earlier attempts left, in order, as far as they are unbroken. */
async function findStored(folder: string, range: Range, tools: RangeTools): Promise<Receipt[]> {
  const found: Receipt[] = [];
  let next = BigInt(range.first);
  while (next <= BigInt(range.last)) {
    const receipt = await readReceipt(tools.storage, folder, next, tools.signal);
    if (!receipt || BigInt(receipt.last) > BigInt(range.last)) break;
    tools.report({ phase: 'checking stored chunks', ...sum(found) });
    if (!(await checksOut(tools.storage, folder, receipt, tools.signal))) break;
    found.push(receipt);
    next = BigInt(receipt.last) + 1n;
  }
  return found;
}

/** The state of one range while it is streamed. */
class RangeJob {
  next: bigint;
  readonly last: bigint;
  private readonly chunks: Receipt[];
  private open: ChunkFile | undefined;
  private openedAt = 0;

  constructor(
    private readonly folder: string,
    range: Range,
    stored: Receipt[],
    private readonly tools: RangeTools,
  ) {
    this.chunks = [...stored];
    const reached = stored.at(-1)?.last;
    this.next = reached === undefined ? BigInt(range.first) : BigInt(reached) + 1n;
    this.last = BigInt(range.last);
  }

  /**
   * Streams what is missing. A stream that breaks after it gave whole records is taken up again
   * where it stood, so a link that cannot hold for a whole range still finishes; one that gave
   * nothing new, or fell silent before it gave a whole chunk, is an error for the caller, who says so,
   * takes another node, or waits before trying again.
   */
  async streamRest(): Promise<void> {
    const framer = new RecordFramer(this.tools.hasher, {});
    const start = this.next;
    for (;;) {
      const from = start + BigInt(framer.recordCount);
      const chunksBefore = this.chunks.length;
      try {
        for await (const bytes of this.stream(from)) {
          for (const block of framer.push(bytes)) await this.take(block);
        }
        break;
      } catch (error) {
        if (!(error instanceof StreamBreak)) throw error;
        const isNew = start + BigInt(framer.recordCount) > from;
        if (!isNew || (isSilence(error.cause.code) && this.chunks.length === chunksBefore)) {
          throw error.cause;
        }
        framer.dropPartial();
        if (start + BigInt(framer.recordCount) > this.last) break;
      }
    }
    const rest = framer.flush();
    if (rest) await this.take(rest);
    await this.closeChunk();
  }

  /** Tells a break of the stream from trouble with what becomes of its records: a proof that is asked for, a write. */
  private async *stream(from: bigint): AsyncGenerator<Uint8Array> {
    const { kind, signal } = this.tools;
    try {
      yield* kind.stream(from, this.last - from + 1n, signal);
    } catch (error) {
      throw error instanceof NodeError && error.retryable ? new StreamBreak(error) : error;
    }
  }

  result(reused: number): RangeResult {
    return { ...sum(this.chunks), chunks: this.chunks.length, reused };
  }

  async discardOpenChunk(): Promise<void> {
    await this.open?.discard();
  }

  private async take(block: RecordBlock): Promise<void> {
    let from = 0;
    while (from < block.count) {
      const to = this.fitting(block, from);
      if (to === from) {
        await this.closeChunk();
        continue;
      }
      this.open ??= await this.startChunk();
      await this.open.add(block, from, to);
      this.next += BigInt(to - from);
      from = to;
      this.progress('streaming');
    }
  }

  /** Where the stock rule cuts: records [from, result) still belong into the open chunk. */
  private fitting(block: RecordBlock, from: number): number {
    let length = this.open?.bytes ?? 0;
    const max = this.tools.maxChunkSize;
    if (length + block.end(block.count - 1) - block.start(from) <= max) return block.count;
    let to = from;
    while (to < block.count) {
      const frame = block.end(to) - block.start(to);
      if (cutsBefore(length, frame - 4, max)) break;
      length += frame;
      to += 1;
    }
    return to;
  }

  private async startChunk(): Promise<ChunkFile> {
    const { kind, storage, signal } = this.tools;
    await requireOpenUnit(storage, this.folder, signal);
    this.openedAt = performance.now();
    const chunk = await kind.startChunk(this.next, this.chunks.at(-1), signal);
    return ChunkFile.start(storage, this.folder, this.next, chunk, signal);
  }

  private async closeChunk(): Promise<void> {
    const chunk = this.open;
    if (!chunk) return;
    this.progress('proving and publishing');
    const { type } = this.tools;
    noteSeconds(`${type}_next_full_chunk`, (performance.now() - this.openedAt) / 1000);
    this.chunks.push(await timed(`${type}_write_chunk`, () => chunk.finish()));
    this.open = undefined;
    this.progress('streaming');
  }

  private progress(phase: string): void {
    const closed = sum(this.chunks);
    this.tools.report({
      phase,
      records: closed.records + (this.open?.records ?? 0),
      bytes: closed.bytes + (this.open?.bytes ?? 0),
    });
  }
}

/** A stream broke; the records it gave are good. */
class StreamBreak extends Error {
  constructor(override readonly cause: NodeError) {
    super(cause.message);
  }
}

function sum(chunks: readonly Receipt[]): { records: number; bytes: number } {
  let records = 0;
  let bytes = 0;
  for (const chunk of chunks) {
    records += chunk.records;
    bytes += chunk.chunk.bytes;
  }
  return { records, bytes };
}

function lied(cause: AptosDataError, range: Range, tools: RangeTools): BackupError {
  const { code, message } = cause;
  const sent = `what ${tools.source} sent for ${range.first} to ${range.last}`;
  if (code === 'UNSUPPORTED') {
    const why = `${sent} cannot be proven by this version: ${message}; update aptos-backup, unless it is damaged`;
    return new BackupError('UNSUPPORTED', why, true, { cause });
  }
  const why = `${sent} fails its proof: ${message} (${code})`;
  return new BackupError('NODE_LIED', why, true, { cause });
}
