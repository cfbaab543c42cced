import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from './process-info.js';

/** A user that has not shown itself for so long is gone, even if its process id lives again. */
const USER_SILENT_MS = 60_000;

/** Who uses an embedded server: a file for each, which its process touches. */
export class ServerUsers {
  private readonly me: string;

  constructor(private readonly folder: string) {
    this.me = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}`);
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
      const seen = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const lives = isAlive(Number(name.split('-')[0])) && Date.now() - seen < USER_SILENT_MS;
      if (!lives) rmSync(path, { force: true });
      return lives;
    });
  }
}
