import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeMissing } from '../../lib/host/make-folders.js';
import {
  type CacheHeader,
  type CachedFile,
  decodeHeader,
  decodeLine,
  encodeFile,
  encodeGone,
  encodeHeader,
  encodeLine,
} from './cache-lines.js';

const READ_BYTES = 1024 * 1024;
/** A longer line is no line of ours. A file with so many backups is not kept: it is read again. */
const MOST_LINE = 64 * 1024 * 1024;
/** A line is written when it is this long, so that little is read again after a crash. */
const FULL_LINE = 128 * 1024;
/** A copy that is older was left by a process that died while it wrote. */
const LEFTOVER_MS = 60 * 60_000;
const AGAIN_MS = 10 * 60_000;
const NEWLINE = 0x0a;

/**
 * The file in which processes of this host keep what they have read of a storage's metadata (docs/formats.md, Our own
 * files). Each appends lines; now and then one puts a shorter file in its place. What another process appends at that
 * moment is lost, and is only read again. No failure here is an error: everything is in the storage.
 */
export class CacheFile {
  /** Parts of the next line. */
  private parts: string[] = [];
  private length = 0;
  private work: Promise<void> = Promise.resolve();
  /** Number of records in the file, as far as this process knows; undefined when it has to be written anew. */
  private records: number | undefined;
  /** When a write may be tried again, after one that failed. */
  private again = 0;

  constructor(private readonly file: string) {}

  /**
   * Gives all that the file says, in order: a file, or the name of one that is gone. Returns the header; undefined
   * when there is no cache, or it is another storage's.
   */
  async load(storage: string, take: (record: CachedFile | string) => void) {
    let header: CacheHeader | undefined;
    let records = 0;
    let isWhole = true;
    try {
      for await (const line of linesOf(this.file)) {
        if (header === undefined) {
          header = decodeHeader(line);
          if (header?.storage !== storage) return undefined;
          continue;
        }
        if (line === '') continue;
        const found = decodeLine(line);
        if (!found) isWhole = false;
        for (const record of found ?? []) take(record);
        records += found?.length ?? 0;
      }
    } catch {
      return undefined; // there is none, or it cannot be read
    }
    if (header && isWhole) this.records = records;
    return header;
  }

  /** Puts an empty cache in the place of none, a damaged or a foreign one. */
  begin(header: CacheHeader): Promise<void> {
    this.work = this.work.then(() => this.rewrite(header, []));
    return this.work;
  }

  add(file: CachedFile): void {
    this.push(encodeFile(file));
  }

  addGone(name: string): void {
    this.push(encodeGone(name));
  }

  /**
   * Ends a look at the storage: writes what was added. Writes the whole file anew if it is damaged, or more than half
   * of it is out of date. `known`: how many files are known, and all of them.
   */
  save(header: CacheHeader, known: { count: number; files: () => CachedFile[] }): Promise<void> {
    this.flush();
    this.work = this.work.then(async () => {
      const isUseful = this.records !== undefined && this.records <= 2 * known.count + 1000;
      if (!isUseful && Date.now() >= this.again) await this.rewrite(header, known.files());
    });
    return this.work;
  }

  private push(part: string): void {
    if (part.length > MOST_LINE / 2) return;
    this.parts.push(part);
    this.length += part.length;
    if (this.length >= FULL_LINE) this.flush();
  }

  private flush(): void {
    const { parts } = this;
    this.parts = [];
    this.length = 0;
    if (parts.length === 0) return;
    this.work = this.work.then(() => this.append(parts));
  }

  /** Never makes the file: one without a header is nobody's. */
  private async append(parts: readonly string[]): Promise<void> {
    if (this.records === undefined) return;
    try {
      const file = await open(this.file, constants.O_WRONLY | constants.O_APPEND);
      try {
        // The blank line before it ends a line that another process could not write to its end.
        const line = Buffer.from(`\n${encodeLine(parts)}\n`);
        const { bytesWritten } = await file.write(line);
        this.records = bytesWritten === line.length ? this.records + parts.length : undefined;
      } finally {
        await file.close();
      }
    } catch {
      this.records = undefined;
    }
  }

  private async rewrite(header: CacheHeader, files: readonly CachedFile[]): Promise<void> {
    const temporary = `${this.file}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
    try {
      await makeMissing(path.dirname(this.file));
      await this.removeLeftovers();
      const file = await open(temporary, 'wx');
      try {
        for (const line of wholeFile(header, files)) await file.write(`${line}\n`);
      } finally {
        await file.close();
      }
      await rename(temporary, this.file);
      this.records = files.length;
    } catch {
      this.again = Date.now() + AGAIN_MS;
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  private async removeLeftovers(): Promise<void> {
    const folder = path.dirname(this.file);
    for (const name of await readdir(folder)) {
      if (!name.startsWith(path.basename(this.file)) || !name.endsWith('.new')) continue;
      const left = path.join(folder, name);
      const { mtimeMs } = await stat(left);
      if (mtimeMs < Date.now() - LEFTOVER_MS) await rm(left, { force: true });
    }
  }
}

function* wholeFile(header: CacheHeader, files: readonly CachedFile[]): Generator<string> {
  yield encodeHeader(header);
  let parts: string[] = [];
  let length = 0;
  for (const file of files) {
    const part = encodeFile(file);
    if (part.length > MOST_LINE / 2) continue;
    parts.push(part);
    length += part.length;
    if (length < FULL_LINE) continue;
    yield encodeLine(parts);
    parts = [];
    length = 0;
  }
  if (parts.length > 0) yield encodeLine(parts);
}

/** The lines of a file. Holds one of them at a time. Leaves out what is behind a line without an end. */
async function* linesOf(name: string): AsyncGenerator<string> {
  const file = await open(name);
  try {
    let rest: Buffer[] = [];
    let length = 0;
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES);
      if (bytesRead === 0) return;
      let at = 0;
      for (;;) {
        const end = buffer.subarray(0, bytesRead).indexOf(NEWLINE, at);
        if (end < 0) break;
        yield Buffer.concat([...rest, buffer.subarray(at, end)]).toString('utf8');
        rest = [];
        length = 0;
        at = end + 1;
      }
      rest.push(buffer.subarray(at, bytesRead));
      length += bytesRead - at;
      if (length > MOST_LINE) return;
    }
  } finally {
    await file.close();
  }
}
