import { createHash } from 'node:crypto';
import {
  type MetadataLine,
  encodeMetadataLine,
  metadataFileName,
  parseMetadataFile,
} from '../aptos/index.js';
import { METADATA, RETIRED } from '../storage/handles.js';
import { StorageError, isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { type BackupEntry, entriesOf, holdersOf, readCatalog } from './catalog.js';
import type { CommitLock } from './commit-lock.js';
import { forgetMetadata, rememberMetadata } from './known-metadata.js';
import { MAX_METADATA_BYTES, leftAlone, saveAndReadBack } from './metadata-file.js';

interface Tools {
  lock: CommitLock;
  report: (phase: string) => void;
}

const TIMESTAMPS = /^compaction_timestamps_(\d{1,20})\.meta$/;
/** Somebody without our locks, such as the stock tool's compactor, may write lines again while we take them out. */
const MOST_LOOKS = 5;
const NEWLINE = 0x0a;

/** A line of a file, as it is stored. */
interface RawLine {
  bytes: Uint8Array;
  line: MetadataLine;
}

/**
 * Takes backups out of the metadata: from then on they are not committed. Call it under the commit lock. What is
 * retired is no longer remembered as known. Returns the handles of the files that were moved.
 * @throws StorageError DAMAGED when a file holds a line that nobody can read: then its content is unknown
 */
export async function retireLines(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
  { lock, report }: Tools,
): Promise<string[]> {
  const { damaged } = await readCatalog(storage);
  if (damaged[0]) throw leftAlone(storage, damaged[0].object, damaged[0].why);
  let isForgotten = false;
  try {
    return await takeOutLines(storage, entries, {
      report,
      requireHeld: async () => {
        await lock.requireHeld();
        if (!isForgotten) await forgetMetadata(storage);
        isForgotten = true;
      },
    });
  } finally {
    // Also when the storage lets nobody delete metadata: what it names must stay known.
    if (isForgotten) await rememberMetadata(storage, await readCatalog(storage));
  }
}

interface TakeOutTools {
  report: (phase: string) => void;
  /** Asked before each change of what the storage names. */
  requireHeld: () => Promise<void>;
  /** A file that keeps its lines. */
  butIn?: string;
}

/**
 * Takes the lines of backups out of every metadata file that holds them: after a compaction these are several. Call it
 * under the commit lock. A file with other lines, too, is rewritten without them first, and read back; then the old
 * file is moved to `metadata_backup`. A crash in between leaves equal lines in two files, which is no harm. Returns the
 * handles of the files that were moved.
 * @throws StorageError DAMAGED when one of these files holds a line that nobody can read; DENIED
 */
export async function takeOutLines(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
  { report, requireHeld, butIn }: TakeOutTools,
): Promise<string[]> {
  const manifests = new Set(entries.map(({ manifest }) => manifest));
  const moved: string[] = [];
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const holders = await holdersNow(storage, manifests, butIn);
    let isDone = true;
    if (holders.length > 0) await requireHeld();
    for (const [index, handle] of holders.entries()) {
      const lines = await rawLines(storage, handle);
      if (lines.length === 0) isDone = false; // somebody has moved it: its lines are in another file now
      const kept = lines.filter(
        ({ line }) => !('manifest' in line && manifests.has(line.manifest)),
      );
      if (kept.length === lines.length) continue;
      report(`retire lines of ${handle}, file ${index + 1} of ${holders.length}`);
      if (isDone) await forgetTimestamps(storage, holders);
      isDone = false;
      for (const group of groupsOf(kept)) await saveGroup(storage, handle, group);
      await requireHeld();
      await storage.retireMetadata(handle);
      moved.push(handle);
    }
    if (isDone) return moved;
  }
  const why = `the lines of ${entries[0]!.manifest} are written into metadata again and again; does another compactor work on ${storage.description}?`;
  throw new StorageError('STORAGE_FAILED', METADATA, why);
}

/** The files that hold lines with some of these manifests. */
async function holdersNow(
  storage: BackupStorage,
  manifests: ReadonlySet<string>,
  butIn: string | undefined,
): Promise<string[]> {
  const catalog = await readCatalog(storage);
  const going = BACKUP_TYPES.flatMap((type) => entriesOf(catalog, type)).filter(({ manifest }) =>
    manifests.has(manifest),
  );
  const holders = new Set(going.flatMap((entry) => holdersOf(catalog, entry)));
  return [...holders].filter((handle) => handle !== butIn).sort();
}

/** The lines of a file, each with its own bytes. Empty when the file is gone. */
async function rawLines(storage: BackupStorage, handle: string): Promise<RawLine[]> {
  let bytes: Uint8Array;
  try {
    bytes = await storage.readAll(handle, MAX_METADATA_BYTES);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return [];
    throw error;
  }
  const found: RawLine[] = [];
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 ? bytes.length : newline + 1;
    const one = bytes.subarray(at, end);
    const { lines, errors } = parseMetadataFile(one);
    const [line] = lines;
    if (!line) throw leftAlone(storage, handle, errors[0]?.message ?? 'it has a line of nothing');
    found.push({ bytes: one, line });
    at = end;
  }
  return found;
}

/** Lines of one kind that follow each other, as a compaction puts them into one file. */
function groupsOf(lines: readonly RawLine[]): RawLine[][] {
  const groups: RawLine[][] = [];
  for (const raw of lines) {
    const group = groups.at(-1);
    const before = group?.at(-1);
    if (group && before && follows(before.line, raw.line)) group.push(raw);
    else groups.push([raw]);
  }
  return groups;
}

function follows(a: MetadataLine, b: MetadataLine): boolean {
  if (a.type === 'TransactionBackup' && b.type === a.type) {
    return b.firstVersion === a.lastVersion + 1n;
  }
  if (a.type === 'EpochEndingBackup' && b.type === a.type) return b.firstEpoch === a.lastEpoch + 1n;
  return a.type === 'StateSnapshotBackup' && b.type === a.type;
}

/** Stores lines under the name that a compaction would give them, and reads them back. */
async function saveGroup(
  storage: BackupStorage,
  old: string,
  group: readonly RawLine[],
): Promise<void> {
  const content = Buffer.concat(group.map(({ bytes }) => bytes));
  const base = nameOf(group);
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
  for (const name of [`${base}.meta`, `${base}.${digest}.meta`]) {
    if (`${METADATA}/${name}` === old || (await wasOtherFile(storage, name, content))) continue;
    try {
      await saveAndReadBack(storage, name, content);
      return;
    } catch (error) {
      if (!isStorageError(error, 'EXISTS_DIFFERENT')) throw error;
    }
  }
  throw leftAlone(storage, old, `its lines need a new file, and the names for it are taken`);
}

/**
 * Whether a metadata file of this name with other content was moved away. The stock tool's cache goes by names, and the
 * copy in `metadata_backup` is what takes a prune back: a name never gets other lines.
 */
export async function wasOtherFile(
  storage: BackupStorage,
  name: string,
  content: Uint8Array,
): Promise<boolean> {
  const handle = `${RETIRED}/${name}`;
  return (await storage.stat(handle)) !== undefined && !(await storage.hasContent(handle, content));
}

function nameOf(group: readonly RawLine[]): string {
  const [first, last] = [group[0]!.line, group.at(-1)!.line];
  if (first.type === 'TransactionBackup' && last.type === first.type) {
    return `transaction_compacted_${first.firstVersion}-${last.lastVersion}`;
  }
  if (first.type === 'EpochEndingBackup' && last.type === first.type) {
    return `epoch_ending_compacted_${first.firstEpoch}-${last.lastEpoch}`;
  }
  if (first.type === 'StateSnapshotBackup' && last.type === first.type) {
    return `state_snapshot_compacted_epoch_${first.epoch}_${last.epoch}`;
  }
  return metadataFileName(first).replace(/\.meta$/, '');
}

/**
 * Writes the newest stamps of a compaction again without files that are about to go: older versions of the stock
 * tool's compactor fail for ever when a file that they have stamped is gone.
 */
export async function forgetTimestamps(
  storage: BackupStorage,
  going: readonly string[],
): Promise<void> {
  const stamped = (await storage.listMetadata())
    .flatMap((one) => {
      const [, at] = TIMESTAMPS.exec(one.slice(METADATA.length + 1)) ?? [];
      return at === undefined ? [] : [{ handle: one, at: BigInt(at) }];
    })
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  const newest = stamped.at(-1);
  if (!newest) return;
  const line = (await rawLines(storage, newest.handle)).find(
    ({ line: one }) => one.type === 'CompactionTimestamps',
  )?.line;
  if (line?.type !== 'CompactionTimestamps') return;
  const compactionTimestamps = new Map(line.compactionTimestamps);
  for (const handle of going) compactionTimestamps.delete(handle);
  if (compactionTimestamps.size === line.compactionTimestamps.size) return;
  const now = BigInt(Math.floor((await storage.now()) / 1000));
  const fileCompactedAt = now > line.fileCompactedAt ? now : line.fileCompactedAt + 1n;
  const renewed: MetadataLine = { ...line, fileCompactedAt, compactionTimestamps };
  await storage.saveMetadata(metadataFileName(renewed), encodeMetadataLine(renewed));
}
