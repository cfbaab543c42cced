import { AptosDataError } from '../aptos/index.js';
import { forEachAtOnce } from '../lib/at-once.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

/** A backup that somebody has pinned: no keep rule and no gc removes it. */
export interface Pin {
  /** The folder of the backup. */
  folder: string;
  note?: string;
  /** When it was pinned, by the storage's clock; unix milliseconds. Absent in a damaged file, which still counts. */
  at?: number;
}

const PREFIX = `${OWN_FOLDER}/kept-`;
const SUFFIX = '.json';
const MAX_BYTES = 64 * 1024;
const READS_IN_FLIGHT = 16;

const nameOf = (folder: string) => `kept-${folder}${SUFFIX}`;

/**
 * The pins of a storage, by folder. A storage that lists no folders is asked about each of `folders`; any other says
 * all it has.
 */
export async function readPins(
  storage: BackupStorage,
  folders: readonly string[],
): Promise<Map<string, Pin>> {
  const pins = new Map<string, Pin>();
  await forEachAtOnce(READS_IN_FLIGHT, await pinned(storage, folders), async (folder) => {
    const bytes = await readOwn(storage, `${OWN_FOLDER}/${nameOf(folder)}`, MAX_BYTES);
    if (bytes) pins.set(folder, pinIn(folder, bytes));
  });
  return pins;
}

async function pinned(storage: BackupStorage, folders: readonly string[]): Promise<string[]> {
  if (storage.byNameOnly) return [...new Set(folders)];
  return (await storage.listFolder(OWN_FOLDER)).flatMap(({ handle }) =>
    handle.startsWith(PREFIX) && handle.endsWith(SUFFIX)
      ? [handle.slice(PREFIX.length, -SUFFIX.length)]
      : [],
  );
}

/** A pin that cannot be read keeps its backup all the same. */
function pinIn(folder: string, bytes: Uint8Array): Pin {
  if (!isIntact(bytes)) return { folder };
  try {
    const fields = storedObject(bytes, nameOf(folder));
    const note = fields.optional('note');
    const at = Number(fields.string('at'));
    return { folder, at, ...(typeof note === 'string' ? { note } : {}) };
  } catch (error) {
    if (error instanceof AptosDataError) return { folder };
    throw error;
  }
}

/** Pins a backup, or changes the note of its pin. */
export async function pin(
  storage: BackupStorage,
  folder: string,
  manifest: string,
  note: string | undefined,
): Promise<void> {
  const at = `${Math.round(await storage.now())}`;
  const content = encodeDigested({
    kept: 1,
    manifest,
    ...(note === undefined ? {} : { note }),
    at,
  });
  await storage.createBackup(OWN_FOLDER);
  await putFile(storage, OWN_FOLDER, nameOf(folder), content, { replace: true });
}

/** Takes a pin away. Says whether there was one. */
export async function unpin(storage: BackupStorage, folder: string): Promise<boolean> {
  const handle = `${OWN_FOLDER}/${nameOf(folder)}`;
  if ((await storage.stat(handle)) === undefined) return false;
  await storage.removeFile(handle);
  return true;
}
