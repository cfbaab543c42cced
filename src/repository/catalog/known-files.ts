import path from 'node:path';
import { cachesFolder } from '../../lib/host/data-folder.js';
import type { StampedFile } from '../../storage/backend.js';
import { METADATA } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import { CacheFile } from './cache-file.js';
import type { CachedFile } from './cache-lines.js';
import { type Catalog, type FileContent, catalogOf } from './entries.js';

/** A metadata file that was read. */
interface KnownFile extends FileContent {
  /** The stamp of the listing that showed it before it was read. Undefined: it has to be read at each look. */
  stamp: string | undefined;
}

/** Storages whose metadata this process keeps in memory: the last ones that were looked at. */
const MOST_STORAGES = 8;
const storages = new Map<string, KnownFiles>();

/** What this process, and others of this host before it, know of a storage's metadata. */
export function knownFilesOf({ id, description }: BackupStorage): KnownFiles {
  const folder = cachesFolder();
  const key = [folder, id, description].join('\n');
  const known = storages.get(key) ?? new KnownFiles(description, cacheFile(folder, id));
  storages.delete(key);
  storages.set(key, known);
  const [oldest] = storages.keys();
  if (storages.size > MOST_STORAGES && oldest !== undefined) storages.delete(oldest);
  return known;
}

/**
 * Forgets a metadata file that we have put in the place of another one. Where a listing tells names alone, nothing else
 * shows that it changed.
 */
export async function forgetFile(storage: BackupStorage, handle: string): Promise<void> {
  if (!storage.byNameOnly) return;
  const known = knownFilesOf(storage);
  await known.load();
  known.drop([handle.slice(METADATA.length + 1)]);
  await known.save();
}

/** Where the cache of a storage is, in a data folder. */
export function catalogCacheOf(dataFolder: string, storageId: string): string {
  return path.join(dataFolder, 'catalog', `${storageId}.jsonl`);
}

function cacheFile(folder: string | undefined, id: string): CacheFile | undefined {
  return folder === undefined ? undefined : new CacheFile(catalogCacheOf(folder, id));
}

/**
 * What metadata files said when they were last read, with the stamps that they had then. Looks at the same storage may
 * overlap: each believes only what has the stamp that its own listing shows.
 */
export class KnownFiles {
  private readonly files = new Map<string, KnownFile>();
  private identity: string | undefined;
  private loading: Promise<void> | undefined;
  private isBegun = false;
  /** Counts changes. */
  private changes = 0;
  private made: { catalog: Catalog; changes: number } | undefined;

  constructor(
    private readonly description: string,
    private readonly cache: CacheFile | undefined,
  ) {}

  /** Reads the cache, once in each process. Never fails. */
  load(): Promise<void> {
    this.loading ??= this.loadOnce();
    return this.loading;
  }

  get size(): number {
    return this.files.size;
  }

  /** What is known of a file that a listing shows now; undefined when it has to be read. */
  sameAs({ name, stamp }: StampedFile): FileContent | undefined {
    const known = this.files.get(name);
    return known && stamp !== undefined && known.stamp === stamp ? known : undefined;
  }

  /** What a file said before, whatever it is now. */
  before(name: string): FileContent | undefined {
    return this.files.get(name);
  }

  note({ name, stamp }: StampedFile, content: FileContent): void {
    // A damaged file is read at each look: perhaps the storage was at fault, and not the file.
    const { handle, entries, problems } = content;
    const known = { handle, entries, problems, stamp: problems ? undefined : stamp };
    this.files.set(name, known);
    this.changes += 1;
    if (known.stamp !== undefined) {
      this.cache?.add({ name, stamp: known.stamp, entries: known.entries });
    }
  }

  /** Forgets files. */
  drop(names: readonly string[]): void {
    for (const name of names) {
      if (!this.files.delete(name)) continue;
      this.changes += 1;
      this.cache?.addGone(name);
    }
  }

  /** Names of files that are known and that a listing does not show. */
  missingIn(listed: readonly StampedFile[]): string[] {
    const names = new Set(listed.map(({ name }) => name));
    return [...this.files.keys()].filter((name) => !names.has(name));
  }

  /**
   * For a storage that gives no stamps: forgets everything if the storage is not the one that was read before.
   * `identity`: a digest; undefined for a storage without one.
   */
  requireIdentity(identity: string | undefined): void {
    if (this.identity === identity) return;
    this.identity = identity;
    this.files.clear();
    this.changes += 1;
    this.isBegun = false;
  }

  /** Puts an empty cache in the place of none, of a damaged one and of another storage's. */
  async begin(): Promise<void> {
    if (this.isBegun) return;
    this.isBegun = true;
    await this.cache?.begin(this.header());
  }

  /** What a look has found. Puts it together only when something has changed since the last time. */
  catalog(contents: readonly FileContent[]): Catalog {
    const isAll = contents.length === this.files.size;
    const { made, changes } = this;
    if (isAll && made?.changes === changes) return copyOf(made.catalog);
    const catalog = catalogOf(contents);
    if (isAll) this.made = { catalog, changes };
    return copyOf(catalog);
  }

  /** Writes what is new into the cache. */
  async save(): Promise<void> {
    const known = { count: this.files.size, files: () => this.cached() };
    await this.cache?.save(this.header(), known);
  }

  private cached(): CachedFile[] {
    const found: CachedFile[] = [];
    for (const [name, { stamp, entries }] of this.files) {
      if (stamp !== undefined) found.push({ name, stamp, entries });
    }
    return found;
  }

  private header() {
    return { storage: this.description, identity: this.identity };
  }

  private async loadOnce(): Promise<void> {
    const header = await this.cache?.load(this.description, (record) => {
      if (typeof record === 'string') this.files.delete(record);
      else this.files.set(record.name, knownOf(record));
    });
    this.identity = header?.identity;
    this.isBegun = header !== undefined;
    if (!header) this.files.clear(); // the cache could not be read to its end
  }
}

function knownOf({ name, stamp, entries }: CachedFile): KnownFile {
  return { handle: entries[0]?.source ?? `${METADATA}/${name}`, entries, stamp };
}

/** Callers may sort the lists, or take from them. */
function copyOf(catalog: Catalog): Catalog {
  const { epochEndings, snapshots, transactions, damaged, foreign, undecodable } = catalog;
  return {
    ...catalog,
    epochEndings: [...epochEndings],
    snapshots: [...snapshots],
    transactions: [...transactions],
    damaged: [...damaged],
    foreign: [...foreign],
    undecodable: [...undecodable],
  };
}
