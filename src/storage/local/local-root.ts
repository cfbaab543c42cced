import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { StorageError } from '../storage-error.js';
import { isCode, localError } from './local-errors.js';
import { lookAt } from './local-walk.js';

/** The folder of a storage: checks that it exists and that no handle leads out of it. */
export class LocalRoot {
  constructor(
    private readonly root: string,
    private readonly description: string,
  ) {}

  /** Symbolic links must not lead out of the root. @throws StorageError NOT_FOUND, NAME_INVALID */
  async requireInside(handle: string): Promise<void> {
    try {
      const [root, target] = await Promise.all([
        realpath(this.root),
        realpath(path.join(this.root, handle)),
      ]);
      if (target.startsWith(root + path.sep)) return;
    } catch (error) {
      const what = `cannot read ${handle} in ${this.description}`;
      const isLink = isCode(error, 'ENOENT') && (await this.isLink(handle));
      if (!isLink) throw localError(error, handle, what);
      const why = `${what}: it is a link to something that is not there`;
      throw new StorageError('NAME_INVALID', handle, why, { cause: error });
    }
    const why = `${handle} in ${this.description} is a link that leads out of it; it was not followed`;
    throw new StorageError('NAME_INVALID', handle, why);
  }

  /** @throws StorageError STORAGE_MISSING */
  async requireThere(): Promise<void> {
    try {
      if ((await stat(this.root)).isDirectory()) return;
    } catch (error) {
      if (!isCode(error, 'ENOENT')) {
        throw localError(error, '', `cannot open ${this.description}`);
      }
      throw this.missing();
    }
    const why = `${this.description} is not a folder; check the path`;
    throw new StorageError('PATH_INVALID', '', why);
  }

  /**
   * Checks a folder that is about to be written to.
   * @throws StorageError NAME_INVALID; errors of the file system
   */
  async requireWritable(folder: string): Promise<void> {
    const [root, actual] = await Promise.all([
      realpath(this.root),
      realpath(path.join(this.root, folder)),
    ]);
    if (!actual.startsWith(root + path.sep)) {
      const why = `${folder} in ${this.description} is a link that leads out of it; nothing was written`;
      throw new StorageError('NAME_INVALID', folder, why);
    }
  }

  private async isLink(handle: string): Promise<boolean> {
    const entry = await lookAt(path.join(this.root, handle)).catch(() => undefined);
    return entry?.isSymbolicLink() === true;
  }

  private missing(): StorageError {
    const why = `${this.description} is not there; check the path (the first backup creates it)`;
    return new StorageError('STORAGE_MISSING', '', why);
  }
}
