import { decodeEpochEndingManifest } from '../aptos/index.js';
import type { EpochEndingEntry } from '../repository/catalog.js';
import type { BackupStorage } from '../storage/storage.js';
import type { RecordTools } from './stored-records.js';

/** So many backups of epoch endings are read at a time. */
const AHEAD = 16;
/** Larger files are read when it is their turn: they take longer to read than to ask for. */
const MOST_BYTES = 1024 * 1024;

/**
 * Reads small files of epoch endings before it is their turn. They are checked one after another, and the stock tool
 * makes two files for each epoch: over a network, waiting for each of them would take most of the time.
 */
export class ReadAhead implements Pick<BackupStorage, 'read' | 'readAll'> {
  private readonly ahead = new Map<string, Promise<Uint8Array | undefined>>();
  /** The files of each backup that was begun, by its number. */
  private readonly begun = new Map<number, string[]>();
  private next = 0;

  constructor(
    private readonly storage: RecordTools['storage'],
    private readonly entries: readonly EpochEndingEntry[],
  ) {}

  /** Call it before the check of the backup with this number. What the one before it did not need is forgotten. */
  reach(number: number): void {
    for (const handle of this.begun.get(number - 1) ?? []) this.ahead.delete(handle);
    this.begun.delete(number - 1);
    for (; this.next < Math.min(number + AHEAD, this.entries.length); this.next += 1) {
      void this.begin(this.next, this.entries[this.next]!.manifest);
    }
  }

  async readAll(handle: string, maxBytes: number): Promise<Uint8Array> {
    return (await this.take(handle)) ?? this.storage.readAll(handle, maxBytes);
  }

  async *read(handle: string): AsyncGenerator<Uint8Array> {
    const whole = await this.take(handle);
    if (whole) yield whole;
    else yield* this.storage.read(handle);
  }

  private async begin(number: number, manifest: string): Promise<void> {
    const start = (handle: string) => {
      const content = this.small(handle);
      content.catch(() => undefined); // it fails when it is its turn
      this.ahead.set(handle, content);
      this.begun.set(number, [...(this.begun.get(number) ?? []), handle]);
      return content;
    };
    try {
      const bytes = await start(manifest);
      const [chunk] = bytes ? decodeEpochEndingManifest(bytes).chunks : [];
      if (chunk) void start(chunk.ledgerInfos);
    } catch {
      // its check meets the same
    }
  }

  /** The content of a file; undefined for a large one. @throws StorageError */
  private async small(handle: string): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of this.storage.read(handle)) {
      parts.push(part);
      bytes += part.length;
      if (bytes > MOST_BYTES) return undefined;
    }
    return new Uint8Array(Buffer.concat(parts));
  }

  private take(handle: string): Promise<Uint8Array | undefined> {
    const content = this.ahead.get(handle) ?? Promise.resolve(undefined);
    this.ahead.delete(handle);
    return content;
  }
}
