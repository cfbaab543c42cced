import { readRecords } from '../aptos/index.js';
import { NodeError, isSilence } from '../node/node-error.js';
import { pause, pauseMs } from '../node/retry.js';

/** Limits how often a stream that breaks each time is requested: about ten times a second. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 100;

/** Waits after the `nth` break of a stream, before the rest of it is requested. @throws the signal's reason */
export function pauseAfterBreak(nth: number, signal: AbortSignal | undefined): Promise<void> {
  return pause(pauseMs(nth, FIRST_PAUSE_MS, LONGEST_PAUSE_MS), signal);
}

/**
 * The records `first` to `first + count - 1` of a small stream, without their length prefixes. When the stream breaks
 * after some records, the rest is requested. @throws the error of a stream that gave no new record or fell silent
 */
export async function* readSpan(
  open: (first: bigint, count: bigint) => AsyncIterable<Uint8Array>,
  first: bigint,
  count: bigint,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let given = 0n;
  for (let breaks = 1; given < count; breaks += 1) {
    const before = given;
    try {
      for await (const record of readRecords(open(first + given, count - given))) {
        given += 1n;
        yield record;
      }
      return;
    } catch (error) {
      const passes = error instanceof NodeError && error.retryable && !isSilence(error.code);
      if (!passes || given === before) throw error;
      await pauseAfterBreak(breaks, signal);
    }
  }
}
