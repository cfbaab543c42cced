import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { OWN_FOLDER } from '../handles.js';

/** The file of the index: one for all metadata, so that readers of a bucket without listings need one request. */
export const INDEX_NAME = 'index.gz';
export const INDEX_FILE = `${OWN_FOLDER}/${INDEX_NAME}`;
/** Of the file as it is stored, and of its content. A hundred thousand metadata files make 3 MB, and 30 MB. */
export const MAX_INDEX_BYTES = 128 * 1024 * 1024;
const MAX_CONTENT_BYTES = 1024 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Metadata files that name no backup: nothing is missed when they are gone. */
const NAMES_NOTHING = /^(identity|compaction_timestamps_\d{1,20})\.meta$/;

/** Whether a metadata file of this name says nothing of backups. */
export function namesNothing(name: string): boolean {
  return NAMES_NOTHING.test(name);
}

/** A metadata file, as the index tells it. */
export interface IndexedFile {
  name: string;
  /** Its size as it is stored. */
  bytes: number;
  /** Its decoded content. Absent: readers ask for the file itself. */
  content?: string;
  /** When it was written: unix milliseconds. Absent when the store did not say it. */
  modified?: number | undefined;
}

/** What an index says of the metadata of a storage. */
export interface MetadataIndex {
  /** When the metadata was listed: unix milliseconds, by the clock of the host that published it. */
  at: number;
  /** By name. */
  files: ReadonlyMap<string, IndexedFile>;
}

/** The bytes of the index file (docs/formats.md, Index). */
export async function encodeIndex({ at, files }: MetadataIndex): Promise<Uint8Array> {
  const parts = [jsonLine({ index: 1, at: `${at}`, files: files.size })];
  for (const file of files.values()) parts.push(jsonLine(file));
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  parts.push(jsonLine({ digest: hash.digest('hex') }));
  return promisify(gzip)(Buffer.concat(parts));
}

/** When an index was made, from the first bytes of its file. @throws Error that says what is wrong with it */
export async function timeOfIndex(begin: Uint8Array): Promise<number> {
  // The bytes break off, so what they decode to does as well.
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_CONTENT_BYTES };
  const [line] = linesOf(await promisify(gunzip)(begin, options));
  return headOf(fieldsOf(line ?? Buffer.alloc(0))).at;
}

/** Reads the index file. @throws Error that says what is wrong with it */
export async function decodeIndex(bytes: Uint8Array): Promise<MetadataIndex> {
  const content = await promisify(gunzip)(bytes, { maxOutputLength: MAX_CONTENT_BYTES });
  const end = content.lastIndexOf(NEWLINE, content.length - 2) + 1;
  const digest = createHash('sha256').update(content.subarray(0, end)).digest('hex');
  if (fieldsOf(content.subarray(end))['digest'] !== digest) throw new Error('its digest is wrong');
  let head: { at: number; files: number } | undefined;
  const files = new Map<string, IndexedFile>();
  for (const line of linesOf(content.subarray(0, end))) {
    if (head) {
      const file = fileOf(fieldsOf(line));
      files.set(file.name, file);
    } else {
      head = headOf(fieldsOf(line));
    }
  }
  if (head?.files !== files.size) throw new Error('it does not name as many files as it says');
  return { at: head.at, files };
}

function jsonLine(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function* linesOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length;) {
    const newline = content.indexOf(NEWLINE, at);
    const end = newline < 0 ? content.length : newline;
    yield content.subarray(at, end);
    at = end + 1;
  }
}

function fieldsOf(line: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(line.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('a line is no JSON object');
  return value as Record<string, unknown>;
}

function headOf({ index, at, files }: Record<string, unknown>): { at: number; files: number } {
  if (index !== 1) throw new Error('it is of another version');
  const time = Number(at);
  if (typeof files !== 'number' || !Number.isSafeInteger(time) || Math.abs(time) > 8.64e15) {
    throw new Error('its first line is not that of an index');
  }
  return { at: time, files };
}

function fileOf({ name, bytes, content, modified }: Record<string, unknown>): IndexedFile {
  if (typeof name !== 'string' || name.includes('/')) throw new Error('a file has no name');
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes))
    throw new Error(`${name} has no size`);
  return {
    name,
    bytes,
    ...(typeof content === 'string' ? { content } : {}),
    ...(typeof modified === 'number' ? { modified } : {}),
  };
}
