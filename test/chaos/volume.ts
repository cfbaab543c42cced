import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OWNER } from '../../src/storage/local/local-owner.js';
import { entriesBelow, leftovers } from '../support/backup.js';
import { countFailures } from './met.js';
import { type Evidence, type Place, type StoredFiles, hasUnits } from './place.js';
import type { StorageMode } from './plan.js';

/** An open file that is being written keeps a file system from becoming read-only. */
const READ_ONLY_TRIES = 600;
const BETWEEN_MS = 50;

/** The error codes of attempts that meet a disk in this state. */
const TOLD_AS: Partial<Record<StorageMode, readonly string[]>> = {
  full: ['NO_SPACE'],
  'read-only': ['READ_ONLY', 'DENIED'],
  away: ['FOLDER_GONE', 'STORAGE_EMPTIED'],
};

/** The disk of the storage. Where mounting is allowed, it is a small file system of its own. */
export class Volume implements Place {
  readonly path: string;
  readonly storage: { local_fs_dir: string };
  readonly files: StoredFiles;
  private readonly filler: string;
  private absent = false;

  private constructor(
    /** Of the run. */
    private readonly folder: string,
    private readonly disk: string,
    private readonly mounted: boolean,
  ) {
    this.path = join(disk, 'backups');
    this.storage = { local_fs_dir: this.path };
    this.files = filesIn(this.path);
    this.filler = join(disk, 'filler');
  }

  static open(folder: string, megabytes: number): Volume {
    const disk = join(folder, 'disk');
    mkdirSync(disk, { recursive: true });
    return new Volume(
      folder,
      disk,
      mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]),
    );
  }

  /** Faults of a disk that are not possible here. */
  get impossible(): string[] {
    const root = process.getuid?.() === 0;
    return [
      ...(this.mounted ? [] : ['storage full']),
      ...(this.mounted || !root ? [] : ['storage read-only']),
    ];
  }

  async there(): Promise<boolean> {
    return hasUnits(await this.files.list());
  }

  wasAway(): boolean {
    const was = this.absent;
    this.absent = !existsSync(this.path);
    return was;
  }

  async strike(mode: StorageMode, seconds: number): Promise<Evidence> {
    const failures = countFailures(this.folder, TOLD_AS[mode] ?? []);
    const made = await this.make(mode, seconds);
    const met = failures();
    return { text: `${made}, ${met} attempts failed because of it`, met };
  }

  strikeUploads(): Promise<Evidence> {
    return Promise.reject(new Error('a folder has no uploads'));
  }

  decoded(): Promise<string> {
    return Promise.resolve(this.path);
  }

  unfinished(): Promise<string[]> {
    return Promise.resolve(leftovers(this.path));
  }

  private async make(mode: StorageMode, seconds: number): Promise<string> {
    switch (mode) {
      case 'full': {
        const full = this.fill();
        try {
          await sleep(seconds * 1000);
          return `full to the last byte with ${full.bytes()}`;
        } finally {
          full.end();
        }
      }
      case 'read-only': {
        const end = await this.makeReadOnly();
        await sleep(seconds * 1000);
        end();
        return 'was read-only';
      }
      case 'away': {
        const end = this.takeAway();
        await sleep(seconds * 1000);
        end();
        return 'was away';
      }
      default:
        throw new Error(`a disk cannot be made ${mode}`);
    }
  }

  /**
   * Fills the disk to its last byte and keeps it full until `end` is called, even if space is freed.
   * `bytes` tells how much it took.
   */
  private fill(): { end: () => void; bytes: () => number } {
    const file = openSync(this.filler, 'w');
    const take = () => {
      for (let size = 1 << 20; size >= 1;) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size >>= 1;
        }
      }
    };
    take();
    const again = setInterval(take, BETWEEN_MS);
    return {
      bytes: () => statSync(this.filler).size,
      end: () => {
        clearInterval(again);
        closeSync(file);
        rmSync(this.filler);
      },
    };
  }

  /** Makes the disk read-only until the returned function is called. */
  private async makeReadOnly(): Promise<() => void> {
    if (!this.mounted) {
      const folders = [this.path, ...foldersIn(this.path)];
      for (const folder of folders) chmodSync(folder, 0o555);
      return () => folders.forEach((folder) => chmodSync(folder, 0o755));
    }
    for (let i = 0; i < READ_ONLY_TRIES; i += 1) {
      if (mount(['-o', 'remount,ro', this.disk])) {
        return () => {
          if (!mount(['-o', 'remount,rw', this.disk]))
            throw new Error(`cannot remount ${this.disk}`);
        };
      }
      await sleep(BETWEEN_MS);
    }
    throw new Error('the disk could not be made read-only: it was never without an open file');
  }

  /** Takes the storage away, like a mount that vanished. The returned function brings it back. */
  private takeAway(): () => void {
    const elsewhere = `${this.path}.away`;
    renameSync(this.path, elsewhere);
    this.absent = true;
    return () => {
      if (existsSync(this.path)) {
        const made = readdirSync(this.path, { recursive: true, encoding: 'utf8' });
        throw new Error(`the storage was away and was made anew: ${made.slice(0, 5).join(', ')}`);
      }
      renameSync(elsewhere, this.path);
    };
  }

  close(keepAs?: string): Promise<void> {
    if (keepAs !== undefined && existsSync(this.path)) {
      cpSync(this.path, keepAs, { recursive: true });
    }
    if (this.mounted) execFileSync('umount', ['-l', this.disk]);
    return Promise.resolve();
  }
}

function filesIn(storage: string): StoredFiles {
  const ifThere = <T>(read: () => T, otherwise: T) => {
    try {
      return read();
    } catch {
      return otherwise; // not there yet, or away
    }
  };
  return {
    list: (folder = '') => Promise.resolve(ifThere(() => readdirSync(join(storage, folder)), [])),
    read: (handle) =>
      Promise.resolve(ifThere(() => readFileSync(join(storage, handle)), undefined)),
    write(handle, bytes) {
      chmodSync(join(storage, handle), 0o644); // ours are read-only
      writeFileSync(join(storage, handle), bytes);
      return Promise.resolve();
    },
    remove(handle) {
      rmSync(join(storage, handle));
      return Promise.resolve();
    },
    leavePart(folder, content) {
      const name = `.${OWNER}-4194300-${content.toString('hex', 0, 3)}.part`;
      writeFileSync(join(storage, folder, name), content);
      return Promise.resolve(name);
    },
  };
}

function foldersIn(folder: string): string[] {
  return entriesBelow(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

function mount(args: string[]): boolean {
  try {
    execFileSync('mount', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
