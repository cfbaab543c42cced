import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { IDENTITY_FILE } from '../../aptos/index.js';
import type { StampedFile } from '../../storage/backend.js';
import { METADATA } from '../../storage/handles.js';
import { StorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { readOwn } from '../stored-file.js';
import {
  type BackupEntry,
  type Catalog,
  type Damage,
  type FileContent,
  compareEntries,
} from './entries.js';
import { type KnownFiles, knownFilesOf } from './known-files.js';
import { readFiles } from './read-files.js';

const MAX_IDENTITY_BYTES = 64 * 1024;
/** So often is a storage listed again that changes all the while. */
const MOST_LISTINGS = 60;
/** After some listings in a row, wait a little before the next. */
const PATIENT_LISTINGS = 5;
const PAUSE_MS = 100;
/** A name that so many listings show, and that nobody can read, is no file. */
const MOST_TRIES = 3;

/** One listing, and what its files say. */
interface Glance {
  contents: FileContent[];
  strays: Damage[];
  /** Names that the listing shows and that were gone when they were read. */
  vanished: string[];
  /** What was known of files that this listing does not show any more, or with other content. */
  gone: BackupEntry[];
  /** Nothing was known before. */
  isFirst: boolean;
  /** Nothing shows that somebody moved lines from file to file meanwhile. */
  isQuiet: boolean;
}

/**
 * Reads what metadata files say now, from the cache where their stamps say that they are the same. Never writes into
 * the storage.
 *
 * A compactor may work beside us: it writes a file with the lines of others, and then moves those away. A listing takes
 * time, so it may lack both. Lines that move once are in the first or in the second of two listings in a row. So we
 * list again when files vanished, and also when all is new to us. Then names are enough: a file with lines that the
 * first listing lacks has a name that it lacks.
 * @throws StorageError STORAGE_MISSING when there is no storage
 */
export async function lookAtMetadata(storage: BackupStorage): Promise<Catalog> {
  const known = knownFilesOf(storage);
  const gone: BackupEntry[] = [];
  const tries = new Map<string, number>();
  let whole = 0; // listings in a row of which every file could be read
  let needed = 1;
  for (let listings = 1; listings <= MOST_LISTINGS; listings += 1) {
    const glance = await glanceAt(storage, known);
    addTo(gone, glance.gone);
    for (const name of glance.vanished) tries.set(name, (tries.get(name) ?? 0) + 1);
    const isRead = glance.vanished.every((name) => tries.get(name)! >= MOST_TRIES);
    whole = isRead ? whole + 1 : 0;
    if (!isRead || glance.isFirst) needed = 2;
    const isSteady = isRead && glance.isFirst && (await showsSameNames(storage, glance.contents));
    const nothingLost = glance.isQuiet || (listings > 1 && areAmong(gone, glance.contents));
    if (isSteady || (whole >= needed && nothingLost)) {
      const catalog = known.catalog(glance.contents);
      await known.save();
      return glance.strays.length > 0 ? { ...catalog, strays: glance.strays } : catalog;
    }
    if (listings > PATIENT_LISTINGS) await setTimeout(PAUSE_MS);
  }
  const why = `the metadata of ${storage.description} changes faster than it can be read; does more than one compactor work on it?`;
  throw new StorageError('STORAGE_FAILED', METADATA, why);
}

async function glanceAt(storage: BackupStorage, known: KnownFiles): Promise<Glance> {
  const [all] = await Promise.all([storage.listAllInMetadata(), known.load()]);
  const { files: listed } = all;
  if (storage.byNameOnly) known.requireIdentity(await identityOf(storage, listed));
  const isFirst = known.size === 0 && listed.length > 0;
  const contents: FileContent[] = [];
  const unread: StampedFile[] = [];
  let changed = 0;
  for (const file of listed) {
    const same = known.sameAs(file);
    if (same) contents.push(same);
    else unread.push(file);
    if (!same && known.before(file.name)) changed += 1;
  }
  const isMissing = known.size > contents.length + changed;
  const missing = isMissing ? known.missingIn(listed) : [];
  const gone = missing.flatMap((name) => known.before(name)?.entries ?? []);
  known.drop(missing);
  const vanished: string[] = [];
  let isQuiet = missing.length === 0;
  if (unread.length > 0) await known.begin();
  await readFiles(storage, unread, (file, content) => {
    const before = known.before(file.name)?.entries ?? [];
    if (!content) {
      vanished.push(file.name);
      addTo(gone, before);
      known.drop([file.name]);
      return;
    }
    contents.push(content);
    const isSame = known.before(file.name) && isEqual(before, content.entries);
    known.note(file, content);
    if (isSame) return;
    addTo(gone, before);
    // A new file of many lines comes from a compactor.
    if (before.length > 0 || content.entries.length > 1) isQuiet = false;
  });
  const strays = all.strays.map(strayOf).sort((a, b) => (a.object < b.object ? -1 : 1));
  return { contents, strays, vanished, gone, isFirst, isQuiet: isQuiet && vanished.length === 0 };
}

/** One by one: `push` with more than a hundred thousand arguments overflows the stack. */
function addTo(all: BackupEntry[], more: readonly BackupEntry[]): void {
  for (const one of more) all.push(one);
}

function strayOf({ name, stray }: StampedFile): Damage {
  const why = `it is ${stray} among metadata files; the stock tool reads whatever lies there, and then loads no metadata at all. Move it out of metadata/`;
  return { object: `${METADATA}/${name}`, why };
}

/** Whether a listing of names shows exactly the files that were read. */
async function showsSameNames(storage: BackupStorage, read: readonly FileContent[]) {
  const names = await storage.listMetadata();
  if (names.length !== read.length) return false;
  const known = new Set(read.map(({ handle }) => handle));
  return names.every((name) => known.has(name));
}

/** A digest of the identity line, which the stock tool and we write into a new storage. */
async function identityOf(
  storage: BackupStorage,
  listed: readonly StampedFile[],
): Promise<string | undefined> {
  if (!listed.some(({ name }) => name === IDENTITY_FILE)) return undefined;
  const bytes = await readOwn(storage, `${METADATA}/${IDENTITY_FILE}`, MAX_IDENTITY_BYTES);
  return bytes && createHash('sha256').update(bytes).digest('hex');
}

function isEqual(a: readonly BackupEntry[], b: readonly BackupEntry[]): boolean {
  return a.length === b.length && a.every((entry, i) => isSameLine(entry, b[i]!));
}

function isSameLine(a: BackupEntry, b: BackupEntry): boolean {
  return a.type === b.type && compareEntries(a, b) === 0;
}

/** Whether all these lines are in some file. */
function areAmong(lines: readonly BackupEntry[], contents: readonly FileContent[]): boolean {
  if (lines.length === 0) return true;
  const byManifest = new Map<string, BackupEntry[]>();
  for (const entry of contents.flatMap(({ entries }) => entries)) {
    const others = byManifest.get(entry.manifest);
    if (others) others.push(entry);
    else byManifest.set(entry.manifest, [entry]);
  }
  return lines.every((line) =>
    byManifest.get(line.manifest)?.some((entry) => isSameLine(entry, line)),
  );
}
