import { createHash } from 'node:crypto';
import { forEachAtOnce } from '../lib/at-once.js';
import type { AgainReason } from '../contract/verify-again.js';
import type { FilesState, Look, ProvenSlice } from '../repository/proven-record.js';
import { withoutInode } from '../storage/backend.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';

/** A bucket is asked for each file: one after another, that would take longer than reading small ones. */
const LOOKS_IN_FLIGHT = 16;
/** A backup may have hundreds of thousands of files: their stamps are not held all at once. */
const LOOKS_HELD = 512;

/** What the storage says of some files now, to compare it with what it said when they were proven. */
export async function filesState(
  storage: BackupStorage,
  handles: readonly string[],
): Promise<FilesState> {
  const all = createHash('sha256');
  const butInodes = createHash('sha256');
  for (let at = 0; at < handles.length; at += LOOKS_HELD) {
    const some = handles.slice(at, at + LOOKS_HELD);
    const stamps: string[] = [];
    await forEachAtOnce(LOOKS_IN_FLIGHT, some, async (handle, index) => {
      stamps[index] = (await stampOf(storage, handle)) ?? 'missing';
    });
    for (const [index, handle] of some.entries()) {
      const stamp = stamps[index]!;
      all.update(`${handle} ${stamp}\n`);
      butInodes.update(`${handle} ${withoutInode(stamp)}\n`);
    }
  }
  return { all: all.digest('hex'), butInodes: butInodes.digest('hex') };
}

async function stampOf(storage: BackupStorage, handle: string): Promise<string | undefined> {
  try {
    return (await storage.stat(handle))?.stamp;
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return undefined;
    throw error;
  }
}

/** The result of an earlier proof if files and trust are unchanged; otherwise the reason to read the slice again. */
export function provenBefore(
  look: Look | undefined,
  files: FilesState,
  trust: string,
): { result?: ProvenSlice; reason?: AgainReason } {
  if (!look) return {};
  const { proof } = look;
  if (!proof) return { reason: 'bad' };
  if (proof.trust !== trust) return { reason: 'trust' };
  if (proof.files.all === files.all) return { result: proof.result };
  return { reason: proof.files.butInodes === files.butInodes ? 'inodes' : 'changed' };
}
