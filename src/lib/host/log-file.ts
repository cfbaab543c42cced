import {
  closeSync,
  copyFileSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { makeMissingSync } from './make-folders.js';

const LOG_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/**
 * Empties a log of 8 MB or more, after a copy of it to `LOG.1`. Its writer appends, so it can go on writing to
 * the emptied file. Never throws: on a full disk there is no copy.
 */
export function rotateLog(log: string): void {
  if (logSize(log) < LOG_BYTES) return;
  try {
    copyFileSync(log, `${log}.1`);
  } catch {
    forget(`${log}.1`);
  }
  try {
    truncateSync(log);
  } catch {
    // The next look tries again.
  }
}

/** Opens a log and returns a file descriptor to append to; undefined if that fails: work goes on without a log. */
export function openLog(log: string): number | undefined {
  try {
    makeMissingSync(dirname(log));
    rotateLog(log);
    return openSync(log, 'a');
  } catch {
    return undefined;
  }
}

/** The present size of a log in bytes; 0 when there is none. */
export function logSize(log: string): number {
  try {
    return statSync(log).size;
  } catch {
    return 0;
  }
}

/** The text of a log from byte `from` on, but at most its last 64 kB. Empty when the log cannot be read. */
export function logTail(log: string, from = 0): string {
  try {
    const size = logSize(log);
    const start = Math.max(from <= size ? from : 0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const file = openSync(log, 'r');
    try {
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, start));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

function forget(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // An old copy that stays does no harm.
  }
}
