import type { KindStats, StorageStats } from '../../contract/answers/inventory-answers.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES, perKind } from '../../contract/kinds/index.js';
import { restorable } from '../../contract/restorable.js';
import { type Span, holesUpTo, unionOf } from '../../lib/spans.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  spanOfEntry,
} from '../../repository/catalog.js';
import { restoreSourceOf } from '../../repository/restore-source.js';
import {
  type StoredFolder,
  forEachFolder,
  manifestsByFolder,
} from '../../repository/stored-folders.js';
import { ownFile } from '../../repository/unit-folder.js';
import { readVerifiedTimes } from '../../repository/verified-times.js';
import { METADATA, OWN_FOLDER, RETIRED } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type Added, type Growth, growthOf } from './growth.js';
import { type WrittenAt, metadataTimes, rowOf } from './list-backups.js';
import { sourceOf } from './source.js';

const MOST_SHOWN = 20;

type Orphan = NonNullable<StorageStats['orphans']>['first'][number];

/** What the folders of a storage hold. A few numbers for each backup, and the largest orphans. */
interface Contents {
  /** Bytes of the folder that holds a manifest, and when the manifest was written. */
  byManifest: Map<string, { bytes: number; written: number | undefined }>;
  orphans: NonNullable<StorageStats['orphans']>;
  /** All bytes, metadata included. */
  bytes: number;
}

/**
 * How much a storage holds, how it grows, and what is wrong with it as far as names show that. Lists every folder, a
 * bounded number at once; reads no manifest. @throws StorageError
 */
export async function storageStats(
  storage: BackupStorage,
  catalog: Catalog,
  /** Called with the number of folders that were looked at. */
  reached: (folders: number) => void = () => undefined,
): Promise<StorageStats> {
  const contents = storage.byNameOnly ? undefined : await contentsOf(storage, catalog, reached);
  const times = await metadataTimes(storage);
  const added = addedBy(catalog, contents, times);
  const growth: Growth = contents
    ? growthOf(added.known, added.unknown)
    : { unknown: 'the store lists no folders, so sizes are not known' };
  const { whole } = await readVerifiedTimes(storage);
  return {
    ...sourceOf(storage),
    kinds: perKind((type) => kindStats(type, catalog, contents, growth)),
    metadata_files: catalog.files,
    damaged: catalog.damaged.length,
    ...(contents ? { bytes: contents.bytes, orphans: contents.orphans } : {}),
    growth: toldGrowth(growth),
    restorable: restorable(restoreSourceOf(catalog, () => false)),
    ...(whole === undefined ? {} : { verified_at: new Date(whole).toISOString() }),
  };
}

async function contentsOf(
  storage: BackupStorage,
  catalog: Catalog,
  reached: (folders: number) => void,
): Promise<Contents> {
  const byManifest: Contents['byManifest'] = new Map();
  const largest = new LargestOrphans();
  let bytes = 0;
  let folders = 0;
  await forEachFolder(storage, manifestsByFolder(catalog), (one) => {
    bytes += one.bytes;
    reached((folders += 1));
    const [first, ...others] = one.manifests ?? [];
    if (!first) return void largest.add(one);
    // Bytes of a folder with several manifests are counted once.
    byManifest.set(first.manifest, { bytes: one.bytes, written: writtenIn(one, first.manifest) });
    for (const { manifest } of others) {
      byManifest.set(manifest, { bytes: 0, written: writtenIn(one, manifest) });
    }
  });
  for (const folder of [METADATA, RETIRED, OWN_FOLDER]) {
    for (const file of await storage.listFolder(folder)) bytes += Number(file.bytes);
  }
  return { byManifest, orphans: largest.told(), bytes };
}

function writtenIn({ files }: StoredFolder, manifest: string): number | undefined {
  return files.find(({ handle }) => handle === manifest)?.modified;
}

/** Counts folders that no line names, and keeps the largest. */
class LargestOrphans {
  private folders = 0;
  private bytes = 0;
  private first: Orphan[] = [];

  add({ folder, files, names, bytes }: StoredFolder): void {
    if (files.length === 0) return; // a mark of a folder that is gone
    this.folders += 1;
    this.bytes += bytes;
    const times = files.flatMap(({ modified }) => modified ?? []);
    // Others may have put a million files there: too many arguments for `Math.max`.
    const changed = times.reduce<number | undefined>(
      (max, at) => Math.max(max ?? at, at),
      undefined,
    );
    const ours = names.some((name) => ownFile(name) === 'plan');
    const committed = names.some((name) => ownFile(name) === 'committed');
    this.first.push({
      folder,
      bytes,
      what: ours && !committed ? 'unfinished' : 'foreign',
      ...(changed === undefined ? {} : { changed_at: new Date(changed).toISOString() }),
    });
    if (this.first.length > 4 * MOST_SHOWN) this.first = this.largest();
  }

  told(): Contents['orphans'] {
    return { folders: this.folders, bytes: this.bytes, first: this.largest() };
  }

  private largest(): Orphan[] {
    const order = (a: Orphan, b: Orphan) => b.bytes - a.bytes || (a.folder < b.folder ? -1 : 1);
    return this.first.sort(order).slice(0, MOST_SHOWN);
  }
}

/** What each backup added, and of how many nobody knows the time. */
function addedBy(catalog: Catalog, contents: Contents | undefined, times: WrittenAt) {
  const known: Added[] = [];
  let unknown = 0;
  for (const type of BACKUP_TYPES) {
    for (const entry of entriesOf(catalog, type)) {
      const { bytes = 0, written } = contents?.byManifest.get(entry.manifest) ?? {};
      const committed = rowOf(type, entry, times).committed_at;
      const at = committed === undefined ? written : Date.parse(committed);
      if (at === undefined) unknown += 1;
      else known.push({ type, at, bytes, records: recordsOf(entry) });
    }
  }
  return { known, unknown };
}

function recordsOf(entry: BackupEntry): number {
  const { first, last } = spanOfEntry(entry);
  return Number(last - first + 1n);
}

function kindStats(
  type: BackupType,
  catalog: Catalog,
  contents: Contents | undefined,
  growth: Growth,
): KindStats {
  const entries = entriesOf(catalog, type);
  const spans = entries.map(spanOfEntry);
  const runs = unionOf(spans);
  const newest = runs.at(-1)?.last;
  const holes = newest === undefined || type === 'state_snapshot' ? [] : holesUpTo(runs, newest);
  const overlaps = overlapsOf(spans);
  const bytes =
    contents && entries.reduce((sum, { manifest }) => sum + bytesOf(contents, manifest), 0);
  const grown = 'kinds' in growth ? growth.kinds[type] : undefined;
  return {
    backups: entries.length,
    ...(newest === undefined ? {} : { newest: `${newest}` }),
    ...(bytes === undefined ? {} : { bytes }),
    holes: holes.length,
    first_holes: holes.slice(0, MOST_SHOWN).map(texts),
    overlaps: overlaps.length,
    first_overlaps: overlaps.slice(0, MOST_SHOWN).map(texts),
    ...(grown
      ? { bytes_a_day: Math.round(grown.bytes), records_a_day: Math.round(grown.records) }
      : {}),
  };
}

function bytesOf({ byManifest }: Contents, manifest: string): number {
  return byManifest.get(manifest)?.bytes ?? 0;
}

/** What is stored more than once. `spans`: in order of their first record. */
function overlapsOf(spans: readonly Span[]): Span[] {
  const overlaps: Span[] = [];
  let end: bigint | undefined;
  for (const { first, last } of spans) {
    if (end !== undefined && first <= end) overlaps.push({ first, last: last < end ? last : end });
    if (end === undefined || last > end) end = last;
  }
  return overlaps;
}

function texts({ first, last }: Span): { first: string; last: string } {
  return { first: `${first}`, last: `${last}` };
}

function toldGrowth(growth: Growth): StorageStats['growth'] {
  if ('unknown' in growth) return { why_unknown: growth.unknown };
  const bytes = Object.values(growth.kinds).reduce((sum, one) => sum + one.bytes, 0);
  return { bytes_a_day: Math.round(bytes), over_days: Math.round(growth.days * 10) / 10 };
}
