import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What an attempt fails of that meets a disk of this kind. */
export const TOLD_AS = {
  full: ['NO_SPACE'],
  'read-only': ['READ_ONLY', 'DENIED'],
  away: ['STORAGE_MISSING', 'STORAGE_EMPTIED'],
} as const;

/** Begins to count attempts that fail of `codes`, as the workers' logs tell it. */
export function countFailures(folder: string, codes: readonly string[]): () => number {
  const before = new Map(workerLogs(folder).map((log) => [log, sizeOf(log)]));
  const failed = new RegExp(`^ +type: '(${codes.join('|')})',$`, 'gm');
  return () => {
    let count = 0;
    for (const log of workerLogs(folder)) {
      const bytes = readLog(log);
      const from = before.get(log) ?? 0;
      // Shorter than it was: it was emptied meanwhile, as logs are that became too long.
      const since = bytes.subarray(from <= bytes.length ? from : 0).toString();
      count += since.match(failed)?.length ?? 0;
    }
    return count;
  };
}

/** Workers of `up` have logs of their own, those of a `worker` command share its. */
function workerLogs(folder: string): string[] {
  return [folder, join(folder, 'data', 'logs')].flatMap((place) =>
    list(place)
      .filter((name) => /^worker.*\.log$/.test(name))
      .map((name) => join(place, name)),
  );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet
  }
}

const sizeOf = (log: string) => readLog(log).length;

function readLog(log: string): Buffer {
  try {
    return readFileSync(log);
  } catch {
    return Buffer.alloc(0);
  }
}
