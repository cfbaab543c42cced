import {
  AptosDataError,
  type BatchHasher,
  fittingRecords,
  type RecordBlock,
  RecordFramer,
} from '../../aptos/index.js';
import { GaveWay } from '../../node/gate.js';
import { NodeError, isSilence } from '../../node/node-error.js';
import { noteSeconds, timed } from '../../node/traffic.js';
import type { BackupType } from '../../contract/job.js';
import type { Range, RangeResult } from '../../contract/unit.js';
import type { BackupStorage } from '../../storage/storage.js';
import { ChunkFile } from '../../repository/chunk-file.js';
import { codeOf } from '../../errors/catalogue.js';
import { BackupError } from '../../errors/backup-error.js';
import type { Records } from '../kinds/kind.js';
import { pauseAfterBreak } from '../../trust/read-span.js';
import { type Receipt, checksOut, readReceipt } from '../../repository/receipt.js';
import { requireOpenUnit } from '../../repository/unit-folder.js';

export interface RangeTools {
  type: BackupType;
  source: Records;
  storage: BackupStorage;
  hasher: BatchHasher;
  maxChunkSize: number;
  /** Who the records come from, for messages. */
  address: string;
  signal: AbortSignal;
  report(progress: RangeReport): void;
}

export interface RangeReport {
  phase: string;
  /** Stored or in hand. */
  records: number;
  bytes: number;
  /** Number of stored and proven records. The next attempt goes on after them. */
  stored: number;
}

/**
 * Stores the records of one range in `folder` as proven chunks. Sound chunks of earlier attempts stay.
 * The rest is streamed from the node, cut by the stock rule, and proven and published chunk by chunk. It
 * can be stopped and run again at any point.
 * @throws NodeError, StorageError, BackupError:
 * - NODE_LIED: records fail their proof
 * - NODE_PRUNED: the node no longer has the missing records
 * - UNSUPPORTED: records have a form that this version does not know and that need not be damaged
 */
export async function backUpRange(
  folder: string,
  range: Range,
  tools: RangeTools,
): Promise<RangeResult> {
  await requireOpenUnit(tools.storage, folder);
  const stored = await findStored(folder, range, tools);
  const job = new RangeJob(folder, range, stored, tools);
  try {
    if (job.next <= job.last) await job.streamRest();
  } catch (error) {
    if (error instanceof AptosDataError) throw lied(error, range, tools);
    throw (await job.pruned(error)) ?? error;
  } finally {
    await job.discardOpenChunk();
  }
  return job.result(stored.length);
}

/** The sound chunks of this range from earlier attempts, in order, up to the first gap. */
async function findStored(folder: string, range: Range, tools: RangeTools): Promise<Receipt[]> {
  const found: Receipt[] = [];
  let next = BigInt(range.first);
  while (next <= BigInt(range.last)) {
    const receipt = await readReceipt(tools.storage, folder, next);
    if (receipt?.kind !== tools.type || BigInt(receipt.last) > BigInt(range.last)) break;
    tools.report({ phase: 'checking stored chunks', ...sum(found), stored: sum(found).records });
    if (!(await checksOut(tools.storage, folder, receipt))) break;
    found.push(receipt);
    next = BigInt(receipt.last) + 1n;
  }
  return found;
}

/** The state of one range while it is streamed. */
class RangeJob {
  next: bigint;
  readonly last: bigint;
  private readonly first: bigint;
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
    this.first = BigInt(range.first);
    this.next = reached === undefined ? this.first : BigInt(reached) + 1n;
    this.last = BigInt(range.last);
  }

  /**
   * Streams the missing records. A stream that breaks after whole records is continued where it broke. So
   * even a link that cannot hold for a whole range finishes it. A stream that gave nothing new, or fell
   * silent before it gave a whole chunk, is an error. The caller then reports it, takes another node, or
   * waits.
   */
  async streamRest(): Promise<void> {
    const framer = new RecordFramer(this.tools.hasher, {});
    const start = this.next;
    for (let breaks = 1; ;) {
      const from = start + BigInt(framer.recordCount);
      const chunksBefore = this.chunks.length;
      try {
        for await (const bytes of this.stream(from)) {
          for (const block of framer.push(bytes)) await this.take(block);
        }
        break;
      } catch (error) {
        if (!(error instanceof StreamBreak || error instanceof GaveWay)) throw error;
        framer.dropPartial();
        const next = start + BigInt(framer.recordCount);
        const broke = error instanceof StreamBreak ? error.cause : undefined;
        const isLost = broke && isSilence(broke.code) && this.chunks.length === chunksBefore;
        if (isLost || (broke && next === from)) throw broke;
        if (next > this.last) break;
        if (!broke) continue;
        await pauseAfterBreak(breaks, this.tools.signal);
        breaks += 1;
      }
    }
    const rest = framer.flush();
    if (rest) await this.take(rest);
    await this.closeChunk();
  }

  /** Marks a break of the stream, to tell it from errors of proofs and writes. */
  private async *stream(from: bigint): AsyncGenerator<Uint8Array> {
    const { source, signal } = this.tools;
    try {
      yield* source.stream(from, this.last - from + 1n, signal);
    } catch (error) {
      throw error instanceof NodeError && error.retryable ? new StreamBreak(error) : error;
    }
  }

  /**
   * NODE_PRUNED if the node failed because it has pruned the records that are still missing. A node that
   * prunes a running stream only breaks it off.
   */
  async pruned(error: unknown): Promise<Error | undefined> {
    if (!isRefusalOrBreak(error)) return undefined;
    const { source, signal } = this.tools;
    const reached = this.chunks.at(-1)?.last;
    const missing = reached === undefined ? this.first : BigInt(reached) + 1n;
    try {
      const lack = await source.lackOf(missing, signal);
      return codeOf(lack) === 'NODE_PRUNED' ? lack : undefined;
    } catch {
      signal.throwIfAborted();
      return undefined; // it could not be asked: what went wrong first is told
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
      const length = this.open?.bytes ?? 0;
      const to = fittingRecords(block, from, block.count, length, this.tools.maxChunkSize);
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

  private async startChunk(): Promise<ChunkFile> {
    const { source, storage, signal } = this.tools;
    await requireOpenUnit(storage, this.folder);
    this.openedAt = performance.now();
    const chunk = await source.startChunk(this.next, this.chunks.at(-1), signal);
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
      stored: closed.records,
    });
  }
}

/** A stream broke. The records that it gave are good. */
class StreamBreak extends Error {
  constructor(override readonly cause: NodeError) {
    super(cause.message);
  }
}

/** Whether the service has refused something that it cannot read, before a stream or within it. */
function isRefusalOrBreak(error: unknown): boolean {
  if (!(error instanceof NodeError)) return false;
  const { code, status } = error;
  const broke = code === 'NODE_ABORTED_BEFORE_FIRST_RECORD' || code === 'NODE_STREAM_CUT';
  return broke || status === 500;
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
  const sent = `what ${tools.address} sent for ${range.first} to ${range.last}`;
  if (code === 'UNSUPPORTED') {
    const why = `${sent} cannot be proven by this version: ${message}`;
    return new BackupError('UNSUPPORTED', why, { cause });
  }
  const why = `${sent} fails its proof: ${message} (${code})`;
  return new BackupError('NODE_LIED', why, { cause });
}
