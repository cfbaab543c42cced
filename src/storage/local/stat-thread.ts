/** The program of a thread that looks at many entries of a folder. */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type JobInThread, serveJobs } from '../../lib/host/thread-entry.js';
import { LOOK_NUMBERS, type StatOrder } from './stat-thread-messages.js';

/** Between them the thread says that it is alive, and hears that nobody waits any more. */
const LOOKS_IN_A_ROW = 100;

let looks = 0;
serveJobs(run, () => looks);

async function run(
  { folder, names }: StatOrder,
  { signal }: JobInThread<never, never>,
): Promise<Float64Array> {
  const found = new Float64Array(names.length * LOOK_NUMBERS);
  for (const [i, name] of names.entries()) {
    if (i % LOOKS_IN_A_ROW === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
    const numbers = lookAt(path.join(folder, name));
    if (numbers) found.set(numbers, i * LOOK_NUMBERS);
    looks += 1;
  }
  return found;
}

function lookAt(entry: string): number[] | undefined {
  try {
    const { mode, size, mtimeMs, ctimeMs } = lstatSync(entry);
    return [mode, size, mtimeMs, ctimeMs];
  } catch {
    return undefined; // who asks looks again, and gets the error
  }
}
