import { UsageError } from '../client/command-failure.js';
import { STREAMS } from '../contract/coordinator-state.js';
import type { BackupType } from '../contract/job.js';
import { LISTEN_ADDRESS, readListenAddress } from '../lib/listen-address.js';
import { didYouMean } from '../lib/nearest.js';

/** The streams, as people type them. */
export const STREAM_WORDS = STREAMS.map((type) => type.replace('_', '-'));

/** Says that a typed word is not known, and which one was probably meant. */
export function unknownWord(what: string, word: string, known: readonly string[]): UsageError {
  const meant = didYouMean(word, known) || ';';
  return new UsageError(`unknown ${what} "${word}"${meant} known are ${known.join(', ')}`);
}

/** A stream, as people type it: `state-snapshot`. @throws UsageError */
export function typedStream(word: string): BackupType {
  const stream = STREAMS.find((type) => type === word.replaceAll('-', '_'));
  if (stream) return stream;
  throw unknownWord('stream', word, STREAM_WORDS);
}

/** A whole number. Its limits are for the check of the input. @throws UsageError that names the flag */
export function typedNumber(flag: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${flag} must be a whole number, not "${text}"`);
}

/** The host and port of `[HOST:]PORT`. @throws UsageError that names the flag */
export function typedAddress(flag: string, text: string): { host: string; port: number } {
  const address = readListenAddress(text);
  if (address) return address;
  throw new UsageError(`${flag} must be ${LISTEN_ADDRESS}, not "${text}"`);
}
