import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../config/config-error.js';
import { type Config, readConfig } from '../config/read-config.js';

/** A file that has changed must rest for so long: an editor may be writing it, or may have put it aside for a moment. */
const REST_MS = 500;

/** Reads a configuration file again when it may have changed. */
export class ConfigWatch {
  /** Of the file as it was last read. The first look reads it anew: it may have changed while the server started. */
  private seen = '';
  /** Why the system did not let it be read at the last look. */
  private denied: string | undefined;

  constructor(private readonly path: string) {}

  /**
   * The file, if it may have changed since it was last read, and is at rest. The first half of a file may be right by
   * itself, and what the other half names would end. @throws ConfigError, once for each reason
   */
  async look(): Promise<Config | undefined> {
    const stamp = stampOf(this.path);
    if (stamp === this.seen) return undefined;
    await sleep(REST_MS);
    if (stampOf(this.path) !== stamp) return undefined; // the next look tries again
    const denied = this.denied;
    this.denied = undefined;
    try {
      const config = readConfig(this.path);
      if (stampOf(this.path) !== stamp) return undefined; // written to while it was read
      this.seen = stamp;
      return config;
    } catch (error) {
      if (stampOf(this.path) !== stamp) return undefined;
      this.denied = denialOf(error);
      // It may pass without a change of the file, as when too many files are open.
      if (this.denied === undefined) this.seen = stamp;
      else if (this.denied === denied) return undefined;
      throw error;
    }
  }
}

/** Why the system does not let a file be read that is there. */
function denialOf(error: unknown): string | undefined {
  const cause = error instanceof ConfigError ? (error.cause as NodeJS.ErrnoException) : undefined;
  return cause?.code === 'ENOENT' ? undefined : cause?.code;
}

/** Changes whenever the file, or the right to read it, may have changed. */
function stampOf(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return (error as Error).message;
  }
}
