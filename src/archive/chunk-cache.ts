import type { Block } from './blocks.js';

interface Entry {
  blocks: Promise<readonly Block[] | undefined>;
  bytes: number;
  /** Requests that read it now. It stays as long as there are any, so that its memory is counted. */
  users: number;
}

export interface Lease {
  blocks: readonly Block[];
  release: () => void;
}

/**
 * Proven chunks in memory, for requests that want a small part of one: a client that asks page by page would else
 * have the chunk read for each page. Its memory is bounded. When all of it is in use, there is no lease, and the
 * caller reads from the storage.
 */
export class ChunkCache {
  private readonly entries = new Map<string, Entry>();
  private readonly tooLarge = new Set<string>();
  private used = 0;

  constructor(private readonly most: number) {}

  has(handle: string): boolean {
    return this.entries.has(handle);
  }

  /**
   * The chunk, loaded if it is not there. `load` calls `take` before it keeps more bytes, and gives up when that
   * says no. Rejects as `load` does.
   */
  async lease(
    handle: string,
    load: (take: (bytes: number) => boolean) => Promise<readonly Block[] | undefined>,
  ): Promise<Lease | undefined> {
    if (this.tooLarge.has(handle)) return undefined;
    const entry = this.entries.get(handle) ?? this.begin(handle, load);
    this.entries.delete(handle);
    this.entries.set(handle, entry);
    entry.users += 1;
    let released = false;
    const release = () => {
      if (!released) entry.users -= 1;
      released = true;
    };
    try {
      const blocks = await entry.blocks;
      if (blocks) return { blocks, release };
    } catch (error) {
      release();
      throw error;
    }
    release();
    return undefined;
  }

  private begin(
    handle: string,
    load: (take: (bytes: number) => boolean) => Promise<readonly Block[] | undefined>,
  ): Entry {
    const entry: Entry = { blocks: Promise.resolve(undefined), bytes: 0, users: 0 };
    this.entries.set(handle, entry);
    const drop = () => this.remove(handle, entry);
    entry.blocks = load((bytes) => this.take(handle, entry, bytes)).then(
      (blocks) => {
        if (!blocks) drop();
        return blocks;
      },
      (error: unknown) => {
        drop();
        throw error;
      },
    );
    return entry;
  }

  private take(handle: string, entry: Entry, bytes: number): boolean {
    if (entry.bytes + bytes > this.most) {
      this.tooLarge.add(handle);
      return false;
    }
    for (const [other, { users }] of [...this.entries]) {
      if (this.used + bytes <= this.most) break;
      if (users === 0) this.remove(other, this.entries.get(other)!);
    }
    if (this.used + bytes > this.most) return false;
    entry.bytes += bytes;
    this.used += bytes;
    return true;
  }

  private remove(handle: string, entry: Entry): void {
    if (this.entries.get(handle) !== entry) return;
    this.entries.delete(handle);
    this.used -= entry.bytes;
  }
}
