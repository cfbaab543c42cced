import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';

const LOG_BYTES = 8 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/**
 * Keeps a log below 8 MB, and the one before. Its writer appends, so emptying the file under it loses
 * nothing but what was copied. Never throws: where there is no room for the copy, there is none.
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

/** A file descriptor to append to, or undefined where none can be had: a log is no reason to fail. */
export function openLog(log: string): number | undefined {
  try {
    mkdirSync(dirname(log), { recursive: true });
    rotateLog(log);
    return openSync(log, 'a');
  } catch {
    return undefined;
  }
}

/** How long a log is now, in bytes; 0 when there is none. */
export function logSize(log: string): number {
  try {
    return statSync(log).size;
  } catch {
    return 0;
  }
}

/** What was written to a log behind `from`: the last 64 kB of it at most. Empty when it cannot be read. */
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
    // Nothing depends on it.
  }
}
