import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isCode, localWriteError } from './local-errors.js';
import { OWNER } from './local-owner.js';
import type { FileWriter } from './storage.js';

/** Files on their way in: hidden, and telling whose they are. */
const TEMPORARY = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]+\.part$/;

/** One of another owner that nobody has written to for so long is left over: clocks may differ by less. */
const ABANDONED_MS = 24 * 60 * 60_000;
/** So much is written at most before the disk is waited for: what is left at the end takes moments. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** A file of a local folder that is written beside its final name and moved there when whole. */
export class LocalFile implements FileWriter {
  private temporary: string | undefined;
  private unsynced = 0;

  private constructor(
    readonly handle: string,
    private readonly target: string,
    temporary: string,
    private file: FileHandle | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.temporary = temporary;
  }

  static async create(
    folder: string,
    name: string,
    handle: string,
    signal?: AbortSignal,
  ): Promise<LocalFile> {
    signal?.throwIfAborted();
    const random = randomBytes(6).toString('hex');
    const temporary = path.join(folder, `.${OWNER}-${process.pid}-${random}.part`);
    try {
      const file = await open(temporary, 'wx');
      return new LocalFile(handle, path.join(folder, name), temporary, file, signal);
    } catch (error) {
      throw localWriteError(error, handle, `cannot write ${path.join(folder, name)}`);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    try {
      let rest = bytes;
      while (rest.length > 0) {
        const { bytesWritten } = await this.file!.write(rest);
        rest = rest.subarray(bytesWritten);
      }
      this.unsynced += bytes.length;
      if (this.unsynced < SYNC_BYTES) return;
      await this.file!.datasync();
      this.unsynced = 0;
    } catch (error) {
      throw localWriteError(error, this.handle, `cannot write ${this.target}`);
    }
  }

  async publish(options: { replace?: boolean } = {}): Promise<'created' | 'exists'> {
    this.signal?.throwIfAborted();
    try {
      await this.finishContent();
      this.signal?.throwIfAborted(); // nobody may wait for it any more
      if (options.replace) await rename(this.temporary!, this.target);
      else if (!(await this.moveIfAbsent())) return 'exists';
      this.temporary = undefined;
      await syncFolder(path.dirname(this.target));
      return 'created';
    } catch (error) {
      this.signal?.throwIfAborted();
      throw localWriteError(error, this.handle, `cannot publish ${this.target}`);
    }
  }

  async discard(): Promise<void> {
    const { file, temporary } = this;
    this.file = undefined;
    this.temporary = undefined;
    await file?.close().catch(() => undefined);
    if (temporary !== undefined) await rm(temporary, { force: true });
  }

  /** The content is on disk before its name is. */
  private async finishContent(): Promise<void> {
    const { file } = this;
    if (!file) return;
    await file.sync();
    this.file = undefined;
    await file.close();
  }

  /** A second name for the file fails when that name is taken; renaming would replace it. */
  private async moveIfAbsent(): Promise<boolean> {
    try {
      await link(this.temporary!, this.target);
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
      return this.claimName();
    }
    await rm(this.temporary!);
    return true;
  }

  /** File systems without hard links: an empty file claims the name, which is then replaced. */
  private async claimName(): Promise<boolean> {
    try {
      await (await open(this.target, 'wx')).close();
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
    await rename(this.temporary!, this.target);
    return true;
  }
}

/** Makes names durable that were added to a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and user-space file systems cannot; their names are as durable as they are.
    if (!isCode(error, 'EINVAL', 'ENOTSUP', 'ENOSYS')) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Removes what was left half-written in a folder: by processes beside this one that are dead now, and
 * by those of other hosts, containers and boots when it is old. Says how many there were, and how many may still be written to.
 */
export async function removeLeftovers(folder: string): Promise<{ removed: number; left: number }> {
  let removed = 0;
  let left = 0;
  for (const name of await readdir(folder)) {
    const [, owner, pid] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined) continue;
    const file = path.join(folder, name);
    if (owner === OWNER ? await isDead(file, Number(pid)) : await isAbandoned(file)) {
      await rm(file, { force: true });
      removed += 1;
    } else {
      left += 1;
    }
  }
  return { removed, left };
}

async function isDead(file: string, pid: number): Promise<boolean> {
  return !isAlive(pid) || (await isOlderThanUs(file, pid));
}

async function isAbandoned(file: string): Promise<boolean> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > ABANDONED_MS;
}

/** A process id is given again, maybe to us. */
async function isOlderThanUs(file: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return false;
  const started = Date.now() - process.uptime() * 1000;
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return mtimeMs < started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}
