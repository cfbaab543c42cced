import { accumulatorRoot } from '../accumulator/verify-proof.js';
import { lastUleb, skipLength } from '../bcs/skip.js';
import { skipContractEvent, skipWriteSet } from '../bcs/skip-state.js';
import { AptosDataError, UnknownForm } from '../data-error.js';
import { hash } from '../hash/seeds.js';
import type { FoundInfo } from './find-info.js';

/** Most bytes that are hashed to find one write set; this takes a fraction of a second. */
const MOST_HASHED = 64 * 1024 * 1024;
/** Most changes of one byte that are tried to find a damaged byte. */
const MOST_TRIES = 300_000;

/**
 * Checks the events and the write set of a record against its info, even if an event has an unknown form. In that
 * case it searches for the write set: the bytes from there to the end have the right hash. The bytes before it are
 * the list of events. Returns the unknown form if it cannot prove the events and finds no damage; undefined if all is
 * proven. `thorough`: also tries whether changing one byte of the list makes it right, which shows damage.
 * @throws AptosDataError EVENT_ROOT_MISMATCH, WRITE_SET_HASH_MISMATCH, BCS_INVALID
 */
export function checkEvents(
  record: Buffer,
  info: FoundInfo,
  thorough = false,
): UnknownForm | undefined {
  const first = skipLength(record, info.end, record.length);
  const count = lastUleb;
  const known = walk(record, first, count);
  if (!known.unknown) {
    if (!hasRoot(record, info, known.events)) throw wrongEvents();
    if (!isWriteSet(record, known.end, info)) throw wrongWriteSet();
    return undefined;
  }
  const writeSet = findWriteSet(record, first, info);
  if (writeSet === 'unknown') return known.unknown;
  if (writeSet === undefined) throw wrongWriteSet();
  if (oneUnknown(record, info, count, known, writeSet)) return undefined;
  if (count === 1) throw wrongEvents();
  if (thorough && isByteDamaged(record, info, writeSet, known.unknown.at)) throw wrongEvents();
  return known.unknown;
}

interface Walked {
  /** Starts of the events that could be read. If all could, also the end of the last one. */
  events: number[];
  /** Where the events that could be read end. */
  end: number;
  /** The unknown form of the event at `end`; absent when all events could be read. */
  unknown?: UnknownForm;
}

function walk(record: Buffer, first: number, count: number): Walked {
  const events: number[] = [];
  let end = first;
  if (count > record.length - first) throw wrongEvents();
  for (let i = 0; i < count; i += 1) {
    try {
      const next = skipContractEvent(record, end, record.length);
      events.push(end);
      end = next;
    } catch (error) {
      if (error instanceof UnknownForm) return { events, end, unknown: error };
      throw error;
    }
  }
  return { events: [...events, end], end };
}

/** Whether the events have the right root. `starts`: where each begins, and where the last one ends. */
function hasRoot(record: Buffer, { eventRoot }: FoundInfo, starts: number[]): boolean {
  const hashes = starts
    .slice(0, -1)
    .map((start, i) => hash('ContractEvent', record.subarray(start, starts[i + 1])));
  return eventRoot.equals(accumulatorRoot('EventAccumulator', hashes));
}

function isWriteSet(record: Buffer, start: number, { writeSetHash }: FoundInfo): boolean {
  return writeSetHash.equals(hash('WriteSet', record.subarray(start)));
}

/** Whether one unknown event gives the right root. It ends where the known events behind it fill the list. */
function oneUnknown(
  record: Buffer,
  info: FoundInfo,
  count: number,
  { events, end }: Walked,
  writeSet: number,
): boolean {
  const behind = count - events.length - 1;
  const list = record.subarray(0, writeSet);
  if (behind === 0) return hasRoot(record, info, [...events, end, writeSet]);
  for (let at = end + 1; at < writeSet; at += 1) {
    const rest = tryWalk(list, at, behind);
    if (rest?.end !== writeSet) continue;
    if (hasRoot(record, info, [...events, end, ...rest.events])) return true;
  }
  return false;
}

function tryWalk(record: Buffer, first: number, count: number): Walked | undefined {
  try {
    const walked = walk(record, first, count);
    return walked.unknown ? undefined : walked;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/**
 * Whether changing one byte of the list, up to the unknown form at `last`, gives the right root. Then this byte is
 * damaged, and the form is not unknown. Takes up to a second.
 */
function isByteDamaged(record: Buffer, info: FoundInfo, writeSet: number, last: number): boolean {
  const list = Buffer.from(record.subarray(0, writeSet));
  let tries = 0;
  for (let at = last; at >= info.end && tries < MOST_TRIES; at -= 1) {
    for (let value = 0; value < 256; value += 1, tries += 1) {
      list[at] = value;
      const walked = tryWalkList(list, info.end);
      if (walked?.end === writeSet && hasRoot(list, info, walked.events)) return true;
    }
    list[at] = record[at]!;
  }
  return false;
}

function tryWalkList(list: Buffer, start: number): Walked | undefined {
  try {
    const first = skipLength(list, start, list.length);
    return tryWalk(list, first, lastUleb);
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/**
 * Finds the start of the write set by its hash. Returns 'unknown' when the limit is reached, and undefined when no
 * start gives the hash, whatever the form of the write set. Tries likely starts first.
 */
function findWriteSet(
  record: Buffer,
  from: number,
  info: FoundInfo,
): number | 'unknown' | undefined {
  let hashed = 0;
  for (const [least, most] of [
    [0, 0],
    [1, 1],
    [2, 127],
  ] as const) {
    for (let at = from; at < record.length; at += 1) {
      const variant = record[at]!;
      if (variant < least || variant > most) continue;
      if (variant === 0 && !isKnownWriteSet(record, at)) continue;
      hashed += record.length - at;
      if (hashed > MOST_HASHED) return 'unknown';
      if (isWriteSet(record, at, info)) return at;
    }
  }
  return undefined;
}

function isKnownWriteSet(record: Buffer, at: number): boolean {
  try {
    return skipWriteSet(record, at, record.length) === record.length;
  } catch (error) {
    if (error instanceof UnknownForm) return true;
    if (error instanceof AptosDataError) return false;
    throw error;
  }
}

function wrongEvents(): AptosDataError {
  return new AptosDataError(
    'EVENT_ROOT_MISMATCH',
    'the list of events has not the root that its transaction info says',
  );
}

function wrongWriteSet(): AptosDataError {
  return new AptosDataError(
    'WRITE_SET_HASH_MISMATCH',
    'no write set has the hash that its transaction info says',
  );
}
