import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { isCode } from './local-errors.js';

/** How to go through a folder. */
export interface Way {
  /** Whether hidden names count. They belong to unfinished files. */
  hidden: boolean;
  /** Ends the walk before its next call of the file system. */
  signal: AbortSignal | undefined;
  /** Called after each call of the file system. */
  progress: (() => void) | undefined;
}

/**
 * Everything below a folder of `root`. Follows no links. Nothing for a missing folder. It makes one call
 * at a time, because tens of thousands at once would block all other file access of the process. It does
 * not ask `readdir` for types: where a file system does not report them, Node looks at all entries at
 * once, or on the main thread.
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

/** The stat of an entry, without following links; undefined when it is gone. */
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
