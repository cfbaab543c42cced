import { statfsSync } from 'node:fs';
import type { Say } from '../temporal/temporal-error.js';

const LOOK_MS = 10_000;
/** Bytes. With less space, writes to the database or a log may fail. */
const LITTLE = 4 * 1024 * 1024;

/** Says once that the disk of a folder is full, and once that it has space again. Never throws. */
export class RoomWatch {
  private lookedAt = 0;
  private full = false;

  constructor(
    private readonly folder: string,
    private readonly say: Say,
  ) {}

  look(now: number): void {
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    let left: number;
    try {
      const { bavail, bsize } = statfsSync(this.folder);
      left = bavail * bsize;
    } catch {
      return; // the disk cannot be read now; the next look tries again
    }
    if (!this.full && left < LITTLE) {
      this.full = true;
      this.say(
        `The disk of ${this.folder} is full (${left} bytes left): Temporal cannot save its state, and all work waits until there is room`,
      );
    } else if (this.full && left > 2 * LITTLE) {
      this.full = false;
      this.say(`There is room again on the disk of ${this.folder}`);
    }
  }
}
