import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { removeForSure, temporaryName } from './local-leftovers.js';

/**
 * The time by the clock that gives files of a folder their times, in Unix milliseconds. The clock of a
 * file server may differ from ours. Writes a file for a moment.
 */
export async function storeNow(folder: string): Promise<number> {
  const file = path.join(folder, temporaryName());
  const handle = await open(file, 'wx');
  try {
    await handle.write('now').finally(() => handle.close());
    return (await stat(file)).mtimeMs;
  } finally {
    await removeForSure(file);
  }
}
