import type { IncomingMessage } from 'node:http';
import { NodeError } from './errors.js';
import { FrameCounter } from './frame-counter.js';
import { BEFORE_FIRST } from './http.js';
import { noteReceived } from './traffic.js';
import { type Verdict, type WatchLimits, Watchdog } from './watchdog.js';

/** A proof has some dozens of hashes and one ledger info; the largest are some hundred KB. */
const MAX_VALUE_BYTES = 64 * 1024 * 1024;

export interface StreamLimits extends WatchLimits {
  maxRecordBytes: number;
}

/**
 * Hands on the bytes of a stream of records and sees to it that it is whole: `count` records, none
 * too large, no dawdling. A part that breaks a rule is not handed on. @throws NodeError
 */
export async function* readStream(
  body: IncomingMessage,
  request: {
    url: string;
    /** What its bytes are counted as. */
    endpoint: string;
    count: bigint;
    limits: StreamLimits;
    signal: AbortSignal | undefined;
  },
): AsyncGenerator<Uint8Array> {
  const { url, endpoint, count, limits, signal } = request;
  const frames = new FrameCounter(limits.maxRecordBytes);
  const reached = () => ({ records: frames.records, bytes: frames.bytes });
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
      const claimed = frames.push(next.value);
      if (claimed !== undefined) {
        const why = `a record claims ${claimed} bytes, the limit is ${limits.maxRecordBytes}; is this a backup service?`;
        throw new NodeError('NODE_RECORD_TOO_LARGE', url, why, true, reached());
      }
      const over = BigInt(frames.records) - count;
      if (over > 0n || (over === 0n && !frames.atBoundary)) {
        const why = `the node sent more than the ${count} records asked for`;
        throw new NodeError('NODE_OVERLONG', url, why, true, reached());
      }
      yield next.value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NodeError) throw error;
    if (frames.bytes === 0) {
      const code = 'NODE_ABORTED_BEFORE_FIRST_RECORD';
      throw new NodeError(code, url, BEFORE_FIRST, true, reached(), { cause: error });
    }
    const why = `the stream broke off: ${(error as Error).message}; the node or the link failed`;
    throw new NodeError('NODE_STREAM_CUT', url, why, true, reached(), { cause: error });
  } finally {
    watchdog.stop();
    // Also when the reader lost interest: the node's thread is freed at once.
    body.on('error', () => undefined);
    body.destroy();
  }
  if (!frames.atBoundary) {
    throw new NodeError(
      'NODE_STREAM_CUT',
      url,
      'the stream ended inside a record',
      true,
      reached(),
    );
  }
  if (BigInt(frames.records) < count) {
    const why = `the node sent ${frames.records} of the ${count} records asked for; it may not have the rest yet`;
    throw new NodeError('NODE_SHORT', url, why, true, reached());
  }
}

/** Reads an answer that is one value. @throws NodeError */
export async function readValue(
  body: IncomingMessage,
  request: {
    url: string;
    endpoint: string;
    limits: StreamLimits;
    signal: AbortSignal | undefined;
  },
): Promise<Uint8Array> {
  const { url, endpoint, limits, signal } = request;
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
      bytes += part.length;
      if (bytes > MAX_VALUE_BYTES) {
        const why = `an answer of more than ${MAX_VALUE_BYTES} bytes`;
        throw new NodeError('NODE_BAD_ANSWER', url, why, true, undefined);
      }
      parts.push(part);
      watchdog.waiting();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NodeError) throw error;
    const why = `the answer broke off after ${bytes} bytes: ${(error as Error).message}`;
    throw new NodeError('NODE_STREAM_CUT', url, why, true, undefined, { cause: error });
  } finally {
    watchdog.stop();
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
    return new NodeError('NODE_STALLED', url, why, true, reached);
  }
  const rate = Math.round(verdict.bytesPerSecond);
  const why = `only ${rate} bytes a second, at least ${limits.minBytesPerSecond} are expected; look at the node's load and the link`;
  return new NodeError('NODE_TOO_SLOW', url, why, true, reached);
}
