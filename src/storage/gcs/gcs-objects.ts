import type { StoredObject } from '../objects/object-store.js';
import { StorageError } from '../storage-error.js';

/** The fields of an object that we ask for. */
export const OBJECT_FIELDS = 'name,size,generation,timeCreated,md5Hash,metadata';

/**
 * The metadata that says which upload made an object. When an answer was lost, it shows whether the request was done.
 */
export const UPLOAD_MARK = 'aptos-backup-upload';

/** An object as GCS describes it. */
export interface GcsObject {
  name: string;
  bytes: bigint;
  generation: string;
  modified: number;
  /** In base64; composed objects have none. */
  md5: string | undefined;
  uploadMark: string | undefined;
}

export interface GcsPage {
  objects: GcsObject[];
  prefixes: string[];
  next: string | undefined;
}

/** @throws StorageError when the answer is not one of GCS */
export function readObject(body: string, description: string): GcsObject {
  return objectOf(parsed(body, description), description);
}

export function readPage(body: string, description: string): GcsPage {
  const page = parsed(body, description);
  const { items = [], prefixes = [], nextPageToken } = page;
  if (!Array.isArray(items) || !Array.isArray(prefixes)) throw notGcs(description);
  return {
    objects: items.map((item) => objectOf(item, description)),
    prefixes: prefixes.map((prefix) => {
      if (typeof prefix !== 'string') throw notGcs(description);
      return prefix;
    }),
    next: typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined,
  };
}

/** The same for all stores; `key` is relative to the prefix of the storage. */
export function storedObject(
  { bytes, generation, modified }: GcsObject,
  key: string,
): StoredObject {
  return { key, bytes, stamp: generation, modified };
}

function objectOf(item: unknown, description: string): GcsObject {
  const { name, size, generation, timeCreated, md5Hash, metadata } = record(item, description);
  const modified = Date.parse(`${text(timeCreated)}`);
  if (
    typeof name !== 'string' ||
    !/^\d+$/.test(text(size)) ||
    !/^\d+$/.test(text(generation)) ||
    Number.isNaN(modified)
  ) {
    throw notGcs(description);
  }
  const mark = metadata === undefined ? undefined : record(metadata, description)[UPLOAD_MARK];
  return {
    name,
    bytes: BigInt(text(size)),
    generation: text(generation),
    modified,
    md5: typeof md5Hash === 'string' ? md5Hash : undefined,
    uploadMark: typeof mark === 'string' ? mark : undefined,
  };
}

function parsed(body: string, description: string): Record<string, unknown> {
  try {
    return record(JSON.parse(body), description);
  } catch {
    throw notGcs(description);
  }
}

function record(value: unknown, description: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw notGcs(description);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function notGcs(description: string): StorageError {
  const why = `${description} gave an answer that is not from GCS; check the endpoint and any proxy before it`;
  return new StorageError('STORAGE_FAILED', '', why);
}
