import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { isCode } from './local-errors.js';

/** How to go through a folder. */
export interface Way {
  /** Whether hidden names count: those are files on their way. */
  hidden: boolean;
  /** Ends it before the next call of the file system. */
  signal: AbortSignal | undefined;
  /** Called after each call of the file system. */
  progress: (() => void) | undefined;
}

/**
 * Everything below a folder of `root`, itself and not what it may link to; nothing for one that is not
 * there. One call at a time: tens of thousands at once would keep all other file access of the
 * process waiting. Types from `readdir` are not asked for: where the file system does not tell them,
 * Node looks at every entry by itself, all at once or on the main thread.
 */
export async function* walk(
  root: string,
  folder: string,
  way: Way,
): AsyncGenerator<{ handle: string; stat: BigIntStats }> {
  way.signal?.throwIfAborted();
  const names = await namesIn(path.join(root, folder));
  way.progress?.();
  for (const name of names) {
    if (!way.hidden && name.startsWith('.')) continue;
    way.signal?.throwIfAborted();
    const handle = `${folder}/${name}`;
    const stat = await lookAt(path.join(root, handle));
    way.progress?.();
    if (!stat) continue;
    yield { handle, stat };
    if (stat.isDirectory()) yield* walk(root, handle, way);
  }
}

/** Of an entry itself and not of what it may link to; undefined when it has gone. */
export async function lookAt(entry: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(entry, { bigint: true });
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
