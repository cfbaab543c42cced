import { createHash } from 'node:crypto';
import { type JsonObject, parseJson, stringifyJson } from '../../aptos/index.js';
import { METADATA } from '../../storage/handles.js';
import type { BackupEntry } from './entries.js';

/** What a cache keeps of a metadata file. */
export interface CachedFile {
  name: string;
  /** The stamp of the listing that showed the file before it was read. */
  stamp: string;
  entries: readonly BackupEntry[];
}

/** The first line of a cache: whose it is. */
export interface CacheHeader {
  /** The description of the storage. */
  storage: string;
  /** Where stamps do not tell: a digest of the identity that the storage had. */
  identity?: string | undefined;
}

const VERSION = 1;
const DIGEST = 16;

/** The header as a line. */
export function encodeHeader({ storage, identity }: CacheHeader): string {
  return digested(JSON.stringify({ catalog: VERSION, storage, identity }));
}

/** Undefined for a damaged line, and for one of another version. */
export function decodeHeader(line: string): CacheHeader | undefined {
  try {
    const fields = contentOf(line) as ({ catalog: unknown } & CacheHeader) | undefined;
    if (fields?.catalog !== VERSION) return undefined;
    return { storage: fields.storage, identity: fields.identity };
  } catch {
    return undefined;
  }
}

/** One file as a part of a line; a line has one or more, with commas between them. */
export function encodeFile({ name, stamp, entries }: CachedFile): string {
  return JSON.stringify([name, stamp, ...entries.map(encodeEntry)]);
}

/** Says that a file is gone. */
export function encodeGone(name: string): string {
  return JSON.stringify([name]);
}

/** A line of files. It has a digest: of a line that is damaged, nothing is believed. */
export function encodeLine(parts: readonly string[]): string {
  return digested(`[${parts.join()}]`);
}

/** What a line says, in order: a file, or the name of one that is gone. Undefined for a damaged line. */
export function decodeLine(line: string): (CachedFile | string)[] | undefined {
  try {
    const records = contentOf(line) as [string, string?, ...Fields[]][] | undefined;
    return records?.map(([name, stamp, ...entries]) => {
      if (stamp === undefined) return name;
      const source = `${METADATA}/${name}`;
      return { name, stamp, entries: entries.map((fields) => decodeEntry(fields, source)) };
    });
  } catch {
    return undefined; // not written by this code
  }
}

/** Kind, numbers in the order of the stock tool's fields, manifest, and what else was in the line. */
type Fields = [kind: string, ...fields: string[]];

function encodeEntry(entry: BackupEntry): Fields {
  const extra = entry.extra ? [stringifyJson(entry.extra)] : [];
  switch (entry.type) {
    case 'EpochEndingBackup': {
      const { firstEpoch, lastEpoch, firstVersion, lastVersion, manifest } = entry;
      const numbers = [`${firstEpoch}`, `${lastEpoch}`, `${firstVersion}`, `${lastVersion}`];
      return ['e', ...numbers, manifest, ...extra];
    }
    case 'StateSnapshotBackup':
      return ['s', `${entry.epoch}`, `${entry.version}`, entry.manifest, ...extra];
    case 'TransactionBackup':
      return ['t', `${entry.firstVersion}`, `${entry.lastVersion}`, entry.manifest, ...extra];
  }
}

function decodeEntry([kind, ...fields]: Fields, source: string): BackupEntry {
  const count = kind === 'e' ? 4 : 2;
  const manifest = fields[count];
  if (manifest === undefined) throw new Error('a field is missing');
  const [a, b, c, d] = fields.slice(0, count).map(BigInt) as [bigint, bigint, bigint, bigint];
  const extra = fields[count + 1];
  const more = extra === undefined ? {} : { extra: parseJson(extra) as JsonObject };
  switch (kind) {
    case 'e': {
      const epochs = { firstEpoch: a, lastEpoch: b, firstVersion: c, lastVersion: d };
      return { type: 'EpochEndingBackup', ...epochs, manifest, source, ...more };
    }
    case 's':
      return { type: 'StateSnapshotBackup', epoch: a, version: b, manifest, source, ...more };
    case 't':
      return {
        type: 'TransactionBackup',
        firstVersion: a,
        lastVersion: b,
        manifest,
        source,
        ...more,
      };
    default:
      throw new Error('of another version');
  }
}

function digested(content: string): string {
  return `${digestOf(content)} ${content}`;
}

function contentOf(line: string): unknown {
  const content = line.slice(DIGEST + 1);
  return line.slice(0, DIGEST) === digestOf(content) ? JSON.parse(content) : undefined;
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST);
}
