import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VerifyScope } from '../../src/contract/verification.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { storageFolder } from './backup.js';

export const STOCK = join(import.meta.dirname, '..', 'fixtures', 'stock');

type Json = Record<string, unknown>;
export interface Manifest extends Json {
  chunks: Json[];
}

/** A storage in a folder of the test, to be damaged; empty if it is a copy of nothing. Removed at the end of the test. */
export class StorageCopy {
  readonly folder = storageFolder();

  constructor(from?: string) {
    if (from !== undefined) cpSync(from, this.folder, { recursive: true });
  }

  get storage() {
    return openStorage({ local_fs_dir: this.folder });
  }

  path(handle: string): string {
    return join(this.folder, handle);
  }

  /** Handles of all files, sorted. */
  files(): string[] {
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.folder.length + 1))
      .sort();
  }

  has(handle: string): boolean {
    return existsSync(this.path(handle));
  }

  read(handle: string): Buffer {
    return readFileSync(this.path(handle));
  }

  write(handle: string, bytes: string | Uint8Array): void {
    rmSync(this.path(handle), { force: true }); // our files are read-only
    writeFileSync(this.path(handle), bytes);
  }

  remove(handle: string): void {
    rmSync(this.path(handle), { recursive: true });
  }

  /** Copies a folder of the storage under another name, or some of its files. */
  copy(folder: string, to: string, names?: string[]): void {
    if (!names) return this.copyFrom(this.path(folder), to);
    for (const name of names) cpSync(this.path(`${folder}/${name}`), this.path(`${to}/${name}`));
  }

  copyFrom(path: string, to: string): void {
    cpSync(path, this.path(to), { recursive: true });
  }

  edit(handle: string, change: (bytes: Buffer) => Uint8Array): void {
    this.write(handle, change(this.read(handle)));
  }

  flip(handle: string, at = this.read(handle).length >> 1): void {
    this.edit(handle, (bytes) => {
      bytes[at]! ^= 1;
      return bytes;
    });
  }

  swap(a: string, b: string): void {
    const [first, second] = [this.read(a), this.read(b)];
    this.write(a, second);
    this.write(b, first);
  }

  /** The only metadata file whose name has this prefix. */
  metadata(start: string): string {
    const names = readdirSync(this.path('metadata')).filter((name) => name.startsWith(start));
    if (names.length !== 1) throw new Error(`${names.length} files metadata/${start}*`);
    return `metadata/${names[0]!}`;
  }

  /** The manifest that a metadata file names. */
  manifestOf(metadata: string): string {
    const [line] = Object.values(JSON.parse(this.read(metadata).toString()) as Json);
    return (line as { manifest: string }).manifest;
  }

  manifest(handle: string): Manifest {
    return JSON.parse(this.read(handle).toString()) as Manifest;
  }

  editManifest(handle: string, change: (manifest: Manifest) => void): void {
    const manifest = this.manifest(handle);
    change(manifest);
    this.write(handle, JSON.stringify(manifest));
  }

  editLine(metadata: string, change: (line: Json) => void): void {
    const line = JSON.parse(this.read(metadata).toString()) as Record<string, Json>;
    change(Object.values(line)[0]!);
    this.write(metadata, `${JSON.stringify(line)}\n`);
  }

  /** The records of a chunk file, each without its length. */
  editRecords(handle: string, change: (records: Buffer[]) => Buffer[]): void {
    this.edit(handle, (bytes) => joinRecords(change(splitRecords(bytes))));
  }

  verify(trust: string[] = [], scope: Partial<VerifyScope> = {}) {
    const settings = { storage: { local_fs_dir: this.folder }, trustWaypoints: trust };
    return verifyStorage(this.storage, settings, { ...WHOLE_STORAGE, ...scope });
  }
}

export function splitRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    records.push(Buffer.from(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return records;
}

export function joinRecords(records: readonly Buffer[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(record.length);
      return [length, record];
    }),
  );
}
