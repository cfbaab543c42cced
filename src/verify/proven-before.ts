import { createHash } from 'node:crypto';
import type { AgainReason } from '../contract/verify-again.js';
import type { FilesState, Look, ProvenSlice } from '../repository/proven-record.js';
import { withoutInode } from '../storage/backend.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';

/** What the storage says of some files now, to compare it with what it said when they were proven. */
export async function filesState(
  storage: BackupStorage,
  handles: readonly string[],
): Promise<FilesState> {
  const all = createHash('sha256');
  const butInodes = createHash('sha256');
  for (const handle of handles) {
    const stamp = (await stampOf(storage, handle)) ?? 'missing';
    all.update(`${handle} ${stamp}\n`);
    butInodes.update(`${handle} ${withoutInode(stamp)}\n`);
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
