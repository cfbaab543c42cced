import { forEachAtOnce } from '../../lib/at-once.js';
import { METADATA } from '../../storage/handles.js';
import type { StampedFile } from '../../storage/backend.js';
import type { BackupStorage } from '../../storage/storage.js';
import { readMetadataFile } from '../metadata-file.js';
import type { BackupEntry, FileContent } from './entries.js';

const READS_IN_FLIGHT = 16;
/** Stored bytes of the files that are read at once; a larger file is read alone. */
const BYTES_IN_FLIGHT = 8 * 1024 * 1024;

/**
 * Reads metadata files, some at once, with bounded memory. `take` gets what each says; undefined for one that is
 * gone. Stops at the first error. @throws StorageError when the storage is away
 */
export async function readFiles(
  storage: BackupStorage,
  files: readonly StampedFile[],
  take: (file: StampedFile, content: FileContent | undefined) => void,
): Promise<void> {
  const room = new Room(BYTES_IN_FLIGHT);
  let failed = false;
  await forEachAtOnce(READS_IN_FLIGHT, files, async (file) => {
    const bytes = Number(file.bytes ?? 0n);
    await room.enter(bytes);
    try {
      if (!failed) take(file, await contentOf(storage, `${METADATA}/${file.name}`));
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      room.leave(bytes);
    }
  });
}

async function contentOf(storage: BackupStorage, handle: string): Promise<FileContent | undefined> {
  const file = await readMetadataFile(storage, handle);
  if (!file) return undefined;
  const found: BackupEntry[] = [];
  for (const line of file.lines) {
    // Not a copy with spread: V8 would give each of very many copies a hidden class of its own.
    if ('manifest' in line) found.push(Object.assign(line, { source: handle }));
  }
  const entries = found.slice(); // no longer than it is: a list that grew has room for 16 more
  if (file.errors.length === 0 && file.undecodable === undefined) return { handle, entries };
  const { errors, foreign } = file;
  const undecodable = file.undecodable !== undefined;
  return { handle, entries, problems: { errors, undecodable, ...(foreign ? { foreign } : {}) } };
}

/** Lets in as many as fit, in order. Whoever is larger than the room enters when it is empty. */
class Room {
  private taken = 0;
  private readonly waiting: { size: number; enter: () => void }[] = [];

  constructor(private readonly size: number) {}

  enter(size: number): Promise<void> {
    return new Promise((enter) => {
      this.waiting.push({ size, enter });
      this.admit();
    });
  }

  leave(size: number): void {
    this.taken -= size;
    this.admit();
  }

  private admit(): void {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      if (this.taken > 0 && this.taken + next.size > this.size) return;
      this.waiting.shift();
      this.taken += next.size;
      next.enter();
    }
  }
}
