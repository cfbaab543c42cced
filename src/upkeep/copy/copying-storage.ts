import { createHash } from 'node:crypto';
import type { StoredFile } from '../../repository/receipt.js';
import { digestOf, stampOf } from '../../repository/stored-file.js';
import type { FileWriter } from '../../storage/backend.js';
import { wholeOf } from '../../storage/whole.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { CopyEnds } from './copy-ends.js';

/** Small files, such as a proof, are asked for more than once: so many are kept, up to this size. */
const KEPT = 8;
const KEPT_BYTES = 1024 * 1024;

interface Copied extends Omit<StoredFile, 'stamp'> {
  writer: FileWriter;
}

/**
 * The source as a check reads it. What the check reads of the files that were asked for (`expect`) is written into the
 * target at the same time, so that each file is read once. Nobody sees it there before `publish`.
 */
export class CopyingStorage implements Pick<BackupStorage, 'read' | 'readAll'> {
  /** sha256 of each file that was read whole. */
  readonly digests = new Map<string, string>();
  private expected = new Set<string>();
  private copied: Copied[] = [];
  private readonly kept = new Map<string, Uint8Array>();
  /** A failure of the target. A check could take it for a damage of the source. */
  private trouble: { error: unknown } | undefined;

  constructor(
    private readonly ends: CopyEnds,
    private readonly folder: string,
  ) {}

  /** From now on, these files of the backup are copied when they are read. */
  expect(handles: readonly string[]): void {
    this.expected = new Set(handles);
  }

  async *read(handle: string): AsyncGenerator<Uint8Array> {
    const known = this.kept.get(handle);
    if (known && !this.expected.has(handle)) {
      yield known;
      return;
    }
    const writer = this.expected.has(handle) ? await this.begin(handle) : undefined;
    const digest = createHash('sha256');
    let bytes = 0;
    let whole = false;
    try {
      for await (const part of this.ends.from.read(handle)) {
        digest.update(part);
        bytes += part.length;
        if (writer) await this.onTarget(() => writer.write(part));
        yield part;
      }
      whole = true;
    } finally {
      if (!whole) await writer?.discard().catch(() => undefined);
    }
    const sha256 = digest.digest('hex');
    this.digests.set(handle, sha256);
    if (!writer) return;
    this.expected.delete(handle);
    const name = handle.slice(this.folder.length + 1);
    this.copied.push({ name, bytes, sha256, writer });
  }

  async readAll(handle: string, maxBytes: number): Promise<Uint8Array> {
    const place = this.ends.from.description;
    const content = await wholeOf(this.read(handle), { handle, maxBytes, place });
    if (content.length <= KEPT_BYTES) this.keep(handle, content);
    return content;
  }

  /**
   * Makes the copied files visible. A file of that name is from an attempt that did not commit: it is replaced if it
   * differs. @throws Error when a file that was asked for was not read to its end
   */
  async publish(): Promise<StoredFile[]> {
    this.requireWell();
    if (this.expected.size > 0) throw new Error(`not read: ${[...this.expected].join(', ')}`);
    const files: StoredFile[] = [];
    for (const { writer, ...file } of this.copied) {
      const handle = `${this.folder}/${file.name}`;
      let isSent = (await writer.publish()) === 'created';
      if (!isSent && (await digestOf(this.ends.to, handle))?.sha256 !== file.sha256) {
        await writer.publish({ replace: true });
        isSent = true;
      }
      await writer.discard();
      const stamp = await stampOf(this.ends.to, handle, isSent ? writer.sent : undefined);
      files.push({ ...file, ...(stamp === undefined ? {} : { stamp }) });
    }
    this.copied = [];
    return files;
  }

  /** Drops what was copied since the last `publish`. */
  async discard(): Promise<void> {
    const copied = this.copied.splice(0);
    this.expected.clear();
    for (const { writer } of copied) await writer.discard().catch(() => undefined);
  }

  /** @throws the failure of the target, if there was one */
  requireWell(): void {
    if (this.trouble) throw this.trouble.error;
  }

  private begin(handle: string): Promise<FileWriter> {
    const name = handle.slice(this.folder.length + 1);
    return this.onTarget(() => this.ends.to.createFile(this.folder, name));
  }

  private async onTarget<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.trouble ??= { error };
      throw error;
    }
  }

  private keep(handle: string, content: Uint8Array): void {
    this.kept.delete(handle);
    this.kept.set(handle, content);
    const oldest = this.kept.keys().next();
    if (this.kept.size > KEPT && !oldest.done) this.kept.delete(oldest.value);
  }
}
