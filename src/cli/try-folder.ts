import { access, constants, mkdtemp, rmdir } from 'node:fs/promises';
import path from 'node:path';

/** Something that a check tries. */
export interface Try {
  what: string;
  name: string;
  /** Says what was seen. @throws Error that says what is wrong */
  try(): Promise<string>;
}

/** A folder that is not there can be made where the nearest one that is can be written. */
export function tryFolder(what: string, folder: string): Try {
  return {
    ...{ what, name: folder },
    async try() {
      for (let at = folder; ; at = path.dirname(at)) {
        const isThere = await access(at).then(
          () => true,
          (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
        );
        if (!isThere && at !== path.dirname(at)) continue;
        await access(at, constants.W_OK | constants.X_OK);
        const scratch = await mkdtemp(path.join(at, '.aptos-backup-check-'));
        await rmdir(scratch);
        return at === folder ? 'can be written' : 'is not there yet, and can be made';
      }
    },
  };
}
