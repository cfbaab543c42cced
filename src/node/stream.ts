import type { IncomingMessage } from 'node:http';
import { NodeError } from './node-error.js';
import { FrameCounter } from './frame-counter.js';
import type { NodeGate } from './gate.js';
import { BEFORE_FIRST } from './http.js';
import { noteReceived } from './traffic.js';
import { type Verdict, type WatchLimits, Watchdog } from './watchdog.js';

/** A proof has some dozens of hashes and one ledger info. The largest have some hundred KB. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;

export interface StreamLimits extends WatchLimits {
  maxRecordBytes: number;
}

interface Request {
  url: string;
  /** The name under which the metrics count the bytes. */
  endpoint: string;
  limits: StreamLimits;
  signal: AbortSignal | undefined;
  gate: NodeGate | undefined;
}

/**
 * Passes on the bytes of a stream of records and checks the stream: it must have exactly `count` records, none too
 * large, and keep a minimum speed. Passes on nothing until the first record is whole, so that the request can be
 * made again until then. Bytes that break a rule are not passed on. @throws NodeError; the signal's reason
 */
export async function* readStream(
  body: IncomingMessage,
  request: Request & { count: bigint },
): AsyncGenerator<Uint8Array> {
  const { url, endpoint, count, limits, signal, gate } = request;
  const frames = new FrameCounter(limits.maxRecordBytes);
  const reached = () => ({ records: frames.records, bytes: frames.bytes });
  let held: Uint8Array[] = [];
  let bitten: NodeError | undefined;
  const watchdog = new Watchdog(limits, (verdict) => {
    bitten = dawdling(url, verdict, limits, reached());
    body.destroy(bitten);
  });
  try {
    const parts = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (;;) {
      watchdog.waiting();
      const next = await parts.next();
      watchdog.received(next.done ? 0 : next.value.length);
      if (bitten) throw bitten;
      if (next.done) break;
      noteReceived(endpoint, next.value.length);
      await gate?.pass({ bytes: next.value.length }, signal);
      const claimed = frames.push(next.value);
      if (claimed !== undefined) {
        const why = `a record claims ${claimed} bytes, the limit is ${limits.maxRecordBytes}; is this a backup service?`;
        throw new NodeError('NODE_RECORD_TOO_LARGE', url, why, reached());
      }
      const over = BigInt(frames.records) - count;
      if (over > 0n || (over === 0n && !frames.atBoundary)) {
        const why = `the node sent more than the ${count} records asked for`;
        throw new NodeError('NODE_OVERLONG', url, why, reached());
      }
      held.push(next.value);
      if (frames.records === 0) continue;
      const whole = held;
      held = [];
      yield* whole;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NodeError) throw error;
    if (frames.bytes === 0) {
      const code = 'NODE_ABORTED_BEFORE_FIRST_RECORD';
      throw new NodeError(code, url, BEFORE_FIRST, reached(), { cause: error });
    }
    const why = `the stream broke off: ${(error as Error).message}; the node or the link failed`;
    throw new NodeError('NODE_STREAM_CUT', url, why, reached(), { cause: error });
  } finally {
    watchdog.stop();
    // Also when the reader stops early: closing the connection frees the node's thread at once.
    body.on('error', () => undefined);
    body.destroy();
  }
  requireAll(frames, count, url);
}

/** Whether a stream that ended had all that was asked for. */
function requireAll(frames: FrameCounter, count: bigint, url: string): void {
  const reached = { records: frames.records, bytes: frames.bytes };
  if (!frames.atBoundary) {
    throw new NodeError('NODE_STREAM_CUT', url, 'the stream ended inside a record', reached);
  }
  if (BigInt(frames.records) < count) {
    const why = `the node sent ${frames.records} of the ${count} records asked for; it may not have the rest yet`;
    throw new NodeError('NODE_SHORT', url, why, reached);
  }
}

/** Reads an answer that is one value, up to 64 MiB. @throws NodeError; the signal's reason */
export async function readValue(body: IncomingMessage, request: Request): Promise<Uint8Array> {
  const { url, endpoint, limits, signal, gate } = request;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const watchdog = new Watchdog(limits, (verdict) => {
    body.destroy(dawdling(url, verdict, limits));
  });
  try {
    watchdog.waiting();
    for await (const part of body as AsyncIterable<Uint8Array>) {
      watchdog.received(part.length);
      noteReceived(endpoint, part.length);
      await gate?.pass({ bytes: part.length }, signal);
      bytes += part.length;
      if (bytes > MAX_VALUE_BYTES) {
        const why = `an answer of more than ${MAX_VALUE_BYTES} bytes`;
        throw new NodeError('NODE_BAD_ANSWER', url, why, undefined);
      }
      parts.push(part);
      watchdog.waiting();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NodeError) throw error;
    const why = `the answer broke off after ${bytes} bytes: ${(error as Error).message}`;
    throw new NodeError('NODE_STREAM_CUT', url, why, undefined, { cause: error });
  } finally {
    watchdog.stop();
  }
  // Every value has at least one byte. So an empty answer was cut, even if it ended cleanly.
  if (bytes === 0) {
    const why = 'the answer is empty; the node or a proxy before it failed';
    throw new NodeError('NODE_STREAM_CUT', url, why, undefined);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function dawdling(
  url: string,
  verdict: Verdict,
  limits: StreamLimits,
  reached?: { records: number; bytes: number },
): NodeError {
  if ('stalledMs' in verdict) {
    const seconds = Math.round(verdict.stalledMs / 1000);
    const why = `no byte for ${seconds} s; the link may be down, the node overloaded, or busy with its 64 streams`;
    return new NodeError('NODE_STALLED', url, why, reached);
  }
  const rate = Math.round(verdict.bytesPerSecond);
  const why = `only ${rate} bytes a second, at least ${limits.minBytesPerSecond} are expected; look at the node's load and the link`;
  return new NodeError('NODE_TOO_SLOW', url, why, reached);
}
