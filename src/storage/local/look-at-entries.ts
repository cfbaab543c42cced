import { lstat } from 'node:fs';
import path from 'node:path';
import { forEachAtOnce } from '../../lib/at-once.js';
import type { Call } from '../backend.js';
import { isCode } from './local-errors.js';
import { LOOK_NUMBERS } from './stat-thread-messages.js';
import { StatThread } from './stat-thread-caller.js';

/** Few, so that a file system that hangs does not take all threads that Node.js has for files. */
const LOOKS_AT_ONCE = 3;
/** So many entries are looked at in one way. Then the way is chosen anew. */
const SLICE = 2000;
/** A system that needs less for a look has the answer in memory. */
const QUICK_MS = 0.1;

/** What is known of an entry without opening it: a part of Node's `Stats`. */
export interface Look {
  mode: number;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
}

/**
 * Looks at entries of a folder, without following links. `take` gets each; undefined for one that is gone.
 *
 * The way through the threads that Node.js has for files takes ten times as long as an answer from the system's memory.
 * So after a quick slice, a thread of our own looks at the next one, one entry after the other. A slow file system is
 * asked for some at once.
 */
export async function lookAtEntries(
  folder: string,
  names: readonly string[],
  call: Call,
  take: (name: string, look: Look | undefined) => void,
): Promise<void> {
  const thread = new StatThread(call);
  let isQuick = false;
  try {
    for (let at = 0; at < names.length; at += SLICE) {
      const slice = names.slice(at, at + SLICE);
      const begun = performance.now();
      const found = isQuick ? await thread.lookAt({ folder, names: slice }) : undefined;
      const left = found ? slice.filter((name, i) => !taken(name, found, i, take)) : slice;
      await eachByItself(folder, left, call, take);
      isQuick = performance.now() - begun < QUICK_MS * slice.length;
    }
  } finally {
    await thread.end();
  }
}

/** Gives what the thread has found of an entry. False where it met an error. */
function taken(
  name: string,
  found: Float64Array,
  index: number,
  take: (name: string, look: Look) => void,
): boolean {
  const at = index * LOOK_NUMBERS;
  const [mode, size, mtimeMs, ctimeMs] = found.subarray(at, at + LOOK_NUMBERS);
  if (!mode) return false;
  take(name, { mode, size: size!, mtimeMs: mtimeMs!, ctimeMs: ctimeMs! });
  return true;
}

function eachByItself(
  folder: string,
  names: readonly string[],
  { signal, progress }: Call,
  take: (name: string, look: Look | undefined) => void,
): Promise<void> {
  return forEachAtOnce(LOOKS_AT_ONCE, names, async (name) => {
    signal.throwIfAborted();
    const look = await lookAt(path.join(folder, name));
    progress();
    take(name, look);
  });
}

/** Undefined when the entry is gone. With a callback, because a promise of Node.js takes much longer. */
function lookAt(entry: string): Promise<Look | undefined> {
  return new Promise((resolve, reject) =>
    lstat(entry, (error, looked) => {
      if (!error) resolve(looked);
      else if (isCode(error, 'ENOENT')) resolve(undefined);
      else reject(error);
    }),
  );
}
