import { statfsSync } from 'node:fs';
import type { Say } from '../errors.js';

const LOOK_MS = 10_000;
/** With less than this, neither a database nor a log can be relied on to be written. */
const LITTLE = 4 * 1024 * 1024;

/** Says once when the disk of a folder is full, and once when there is room again. Never throws. */
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
      return; // it cannot be looked at now
    }
    if (!this.full && left < LITTLE) {
      this.full = true;
      this.say(
        `The disk of ${this.folder} is full (${left} bytes left): Temporal cannot write down what happens, and work waits until there is room`,
      );
    } else if (this.full && left > 2 * LITTLE) {
      this.full = false;
      this.say(`There is room again on the disk of ${this.folder}`);
    }
  }
}
