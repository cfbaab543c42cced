import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The writer of a file that is open keeps a file system from becoming read-only. */
const READ_ONLY_TRIES = 600;
const BETWEEN_MS = 50;

/** The disk that backups are stored on: a small file system of its own where mounting is allowed. */
export class Volume {
  readonly storage: string;
  private readonly filler: string;
  private absent = false;

  private constructor(
    private readonly disk: string,
    private readonly mounted: boolean,
  ) {
    this.storage = join(disk, 'backups');
    this.filler = join(disk, 'filler');
  }

  static open(folder: string, megabytes: number): Volume {
    const disk = join(folder, 'disk');
    mkdirSync(disk, { recursive: true });
    return new Volume(disk, mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]));
  }

  /** Faults of a disk that cannot be had here. */
  get impossible(): string[] {
    const root = process.getuid?.() === 0;
    return [
      ...(this.mounted ? [] : ['storage full']),
      ...(this.mounted || !root ? [] : ['storage read-only']),
    ];
  }

  /** Whether somebody can look at the storage now. */
  get there(): boolean {
    return existsSync(this.storage);
  }

  /** Whether it was away at any time since the last call. */
  wasAway(): boolean {
    const was = this.absent;
    this.absent = !this.there;
    return was;
  }

  /**
   * Fills the disk to its last byte and keeps it full, whatever is given back meanwhile, until the
   * returned function is called. Says how much it took.
   */
  fill(): { end: () => void; bytes: () => number } {
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

  /** Nothing can be written until the returned function is called. */
  async makeReadOnly(): Promise<() => void> {
    if (!this.mounted) {
      const folders = [this.storage, ...foldersIn(this.storage)];
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

  /** The storage is not there, as a mount that went away. The returned function brings it back. */
  takeAway(): () => void {
    const elsewhere = `${this.storage}.away`;
    renameSync(this.storage, elsewhere);
    this.absent = true;
    return () => {
      if (existsSync(this.storage)) {
        const made = readdirSync(this.storage, { recursive: true, encoding: 'utf8' });
        throw new Error(`the storage was away and was made anew: ${made.slice(0, 5).join(', ')}`);
      }
      renameSync(elsewhere, this.storage);
    };
  }

  /** `keepAs`: a folder that gets what is stored. */
  close(keepAs?: string): void {
    if (keepAs !== undefined && this.there) cpSync(this.storage, keepAs, { recursive: true });
    if (this.mounted) execFileSync('umount', ['-l', this.disk]);
  }
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
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
