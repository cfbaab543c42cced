import { metadataFileName } from '../../aptos/index.js';
import type { ListedBackup } from '../../contract/answers/inventory-answers.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type Span, meet } from '../../lib/spans.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  spanOfEntry,
} from '../../repository/catalog.js';
import type { ListedFile } from '../../storage/backend.js';
import { METADATA } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type BackupFacts, factsOf } from './backup-facts.js';

const BACKUPS_IN_FLIGHT = 16;
/** So many backups are looked at before they are given on, in order. */
const BATCH = 256;

/** Which backups are wanted. A backup that has a part of a span is. */
export interface BackupFilter {
  kinds?: readonly BackupType[] | undefined;
  /** Of all kinds: those with these versions. */
  versions?: Span | undefined;
  /** Of epoch endings and snapshots; transactions are then left out. */
  epochs?: Span | undefined;
}

/** When metadata files were written, by handle: unix milliseconds. Empty for a storage that does not tell. */
export type WrittenAt = ReadonlyMap<string, number>;

/** One listing of the metadata. */
export async function metadataTimes(storage: BackupStorage): Promise<WrittenAt> {
  const times = new Map<string, number>();
  // A command adapter lists names alone. An index has times.
  if (storage.byNameOnly && storage.indexedAt === undefined) return times;
  for (const { handle, modified } of await storage.listFolder(METADATA)) {
    if (modified !== undefined) times.set(handle, modified);
  }
  return times;
}

/** The backups of a kind that are wanted, in order. */
export function selected(
  catalog: Catalog,
  type: BackupType,
  { kinds, versions, epochs }: BackupFilter,
): readonly BackupEntry[] {
  if (kinds && !kinds.includes(type)) return [];
  if (epochs && type === 'transaction') return [];
  return entriesOf(catalog, type).filter((entry) => {
    if (versions && !meet(versionsOf(entry), versions)) return false;
    return !epochs || meet(spanOfEntry(entry), epochs);
  });
}

/**
 * The wanted backups, by kind and range, from the catalogue alone. With `read`, the manifest and the folder of each are
 * read, a bounded number at once, and nothing of them is kept. @throws StorageError
 */
export async function* listBackups(
  storage: BackupStorage,
  catalog: Catalog,
  filter: BackupFilter = {},
  { read = false } = {},
): AsyncGenerator<ListedBackup> {
  const times = await metadataTimes(storage);
  for (const type of BACKUP_TYPES) {
    const entries = selected(catalog, type, filter);
    for (let at = 0; at < entries.length; at += BATCH) {
      const batch = entries.slice(at, at + BATCH);
      const rows = batch.map((entry) => rowOf(type, entry, times));
      if (read) {
        await forEachAtOnce(BACKUPS_IN_FLIGHT, rows, async (row, index) => {
          rows[index] = withFacts(row, await factsOf(storage, type, row.manifest));
        });
      }
      yield* rows;
    }
  }
}

/** What the catalogue says of a backup. */
export function rowOf(type: BackupType, entry: BackupEntry, times: WrittenAt): ListedBackup {
  const { first, last } = spanOfEntry(entry);
  const { manifest, source } = entry;
  // Other files of metadata were written by a compaction, long after the commits of what they name.
  const isOwnFile = source === `${METADATA}/${metadataFileName(entry)}`;
  const committed = isOwnFile ? times.get(source) : undefined;
  return {
    kind: type,
    first: `${first}`,
    last: `${last}`,
    ...(entry.type === 'StateSnapshotBackup' ? { version: `${entry.version}` } : {}),
    backup: manifest.slice(0, Math.max(0, manifest.lastIndexOf('/'))),
    manifest,
    metadata: source,
    ...(committed === undefined ? {} : { committed_at: new Date(committed).toISOString() }),
  };
}

/** A row with what the backup's manifest and folder say. */
export function withFacts<R extends ListedBackup>(row: R, facts: BackupFacts): R {
  const { manifest, listed, look, proven, fault } = facts;
  const written = row.committed_at ?? timeText(listed?.get(row.manifest)?.modified);
  const bytes = manifest && listed && bytesOf([row.manifest, ...manifest.files], listed);
  const contents = manifest?.chunks.map(({ extra }) => extra?.['bytes']);
  const isSaid = contents?.every((one) => typeof one === 'bigint');
  const problem = fault ?? missing(manifest?.files, listed);
  return {
    ...row,
    ...(written === undefined ? {} : { committed_at: written }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(isSaid ? { content_bytes: Number(contents.reduce((sum, one) => sum + one, 0n)) } : {}),
    ...(manifest ? { chunks: manifest.chunks.length } : {}),
    proven,
    ...(look.at === undefined ? {} : { verified_at: timeText(look.at) }),
    ...(problem === undefined ? {} : { fault: problem }),
  };
}

function bytesOf(handles: readonly string[], listed: ReadonlyMap<string, ListedFile>): number {
  return handles.reduce((sum, handle) => sum + Number(listed.get(handle)?.bytes ?? 0n), 0);
}

function missing(
  files: readonly string[] | undefined,
  listed: ReadonlyMap<string, ListedFile> | undefined,
): string | undefined {
  if (!files || !listed) return undefined;
  const gone = files.filter((handle) => !listed.has(handle));
  const [first] = gone;
  if (first === undefined) return undefined;
  return `${first} is missing${gone.length > 1 ? `, and ${gone.length - 1} more` : ''}`;
}

function versionsOf(entry: BackupEntry): Span {
  if (entry.type === 'StateSnapshotBackup') return { first: entry.version, last: entry.version };
  return { first: entry.firstVersion, last: entry.lastVersion };
}

function timeText(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
