import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Starts to count attempts that fail with one of `codes`, by the workers' logs. The returned function
 * tells the count.
 */
export function countFailures(folder: string, codes: readonly string[]): () => number {
  const before = new Map(workerLogs(folder).map((log) => [log, sizeOf(log)]));
  const failed = new RegExp(`, \\w+ of \\S+: (${codes.join('|')}): `, 'gm');
  return () => {
    let count = 0;
    for (const log of workerLogs(folder)) {
      const bytes = readLog(log);
      const from = before.get(log) ?? 0;
      // The file is shorter than before, so it was emptied meanwhile, as long logs are.
      const since = bytes.subarray(from <= bytes.length ? from : 0).toString();
      count += since.match(failed)?.length ?? 0;
    }
    return count;
  };
}

/** Workers of `up` have their own logs. Workers of a `worker` command write to its log. */
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
