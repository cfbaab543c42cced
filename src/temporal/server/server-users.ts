import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, startOf } from '../process-info.js';

/** Where nothing tells a process from a later one of its id, silence for so long does. */
const USER_SILENT_MS = 60_000;

/**
 * Who uses an embedded server: a file for each, named by its process id and when that was started.
 * In the name, because where there is no room a file may stay empty.
 */
export class ServerUsers {
  private readonly me: string;

  constructor(private readonly folder: string) {
    const name = [process.pid, startOf(process.pid) ?? '', randomBytes(4).toString('hex')];
    this.me = join(folder, name.join('-'));
  }

  enter(): void {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.me, '');
  }

  /** To be called every few seconds. Never throws. */
  stay(): void {
    const now = new Date();
    try {
      utimesSync(this.me, now, now);
    } catch {
      try {
        this.enter(); // someone took us for dead, or tidied up by hand
      } catch {
        // The next time.
      }
    }
  }

  leave(): void {
    rmSync(this.me, { force: true });
  }

  /** Whether anybody else is there. Forgets who has died. */
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

/** A user may be stopped or blocked for as long as it likes: it needs its server when it goes on. */
function isThere(name: string, path: string): boolean {
  const [id, start, random] = name.split('-');
  const pid = Number(id);
  if (!isAlive(pid)) return false;
  const now = startOf(pid);
  // Versions before this one did not write down the start.
  if (random !== undefined && start && now !== undefined) return start === now;
  const seen = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - seen < USER_SILENT_MS;
}
