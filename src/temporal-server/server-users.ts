import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeMissingSync } from '../lib/host/make-folders.js';
import { isAlive, startOf } from '../lib/host/process-info.js';

/** If the start time of a process is unknown, a user that has been silent for so long counts as dead. */
const USER_SILENT_MS = 60_000;

/**
 * The users of an embedded server. Each has an empty file whose name holds its process id and the start time
 * of that process. The data is in the name because a file can stay empty on a full disk.
 */
export class ServerUsers {
  private readonly me: string;

  constructor(private readonly folder: string) {
    const name = [process.pid, startOf(process.pid) ?? '', randomBytes(4).toString('hex')];
    this.me = join(folder, name.join('-'));
  }

  enter(): void {
    makeMissingSync(this.folder);
    writeFileSync(this.me, '');
  }

  /** Shows that this user lives; call it every few seconds. Never throws. */
  stay(): void {
    const now = new Date();
    try {
      utimesSync(this.me, now, now);
    } catch {
      try {
        this.enter(); // another user thought we were dead, or somebody deleted the file
      } catch {
        // The next call tries again.
      }
    }
  }

  leave(): void {
    rmSync(this.me, { force: true });
  }

  /** Whether any other user lives. Removes the files of dead users. */
  hasOthers(): boolean {
    return readdirSync(this.folder).some((name) => {
      const path = join(this.folder, name);
      if (path === this.me) return false;
      const lives = isThere(name, path);
      if (!lives) rmSync(path, { force: true });
      return lives;
    });
  }
}

/**
 * Whether the user with this file lives. A process that is stopped or blocked stays a user, however long: it
 * needs its server when it goes on.
 */
function isThere(name: string, path: string): boolean {
  const [id, start, random] = name.split('-');
  const pid = Number(id);
  if (!isAlive(pid)) return false;
  const now = startOf(pid);
  // Older versions did not write the start time into the name.
  if (random !== undefined && start && now !== undefined) return start === now;
  const seen = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - seen < USER_SILENT_MS;
}
