import { isStorageError } from '../storage-error.js';
import { OWN_FOLDER } from '../handles.js';
import { remark } from '../remarks.js';
import type { Call } from '../backend.js';
import type { ObjectStore } from './object-store.js';

/**
 * An upload that began so long ago is abandoned. A bucket says neither who writes an upload nor when its last part
 * came. No live upload takes so long: the largest chunk would have to be sent at less than 2 KB/s, and each step has
 * a deadline of minutes. If its writer lives after all, it cannot complete its file, and the range is backed up
 * again.
 */
const ABANDONED_MS = 24 * 60 * 60_000;

/** Files of backups as we and the stock tool name them. A bucket may hold uploads of other programs, too. */
const OF_BACKUPS = /^[^/]+\/([^/]+\.(chunk|proof|manifest|meta|receipt)|proofs\.json)$/;

/**
 * Ends the abandoned uploads of files of backups below a prefix, or all uploads there. Returns how many it ended, and
 * how many are left.
 */
export async function removeLeftovers(
  store: ObjectStore,
  prefix: string,
  whose: 'abandoned' | 'all',
  call: Call,
): Promise<{ removed: number; left: number }> {
  const listed = await store.pending(prefix, call);
  const pending = whose === 'all' ? listed : listed.filter(({ key }) => mayBeOurs(key));
  if (pending.length === 0) return { removed: 0, left: 0 };
  const now = whose === 'all' ? Infinity : await store.now(call);
  const given = pending.filter(({ begun }) => now - begun > ABANDONED_MS);
  let removed = 0;
  for (const upload of given) {
    call.signal.throwIfAborted();
    try {
      await store.abortPending(upload, call);
      removed += 1;
      call.progress();
    } catch (error) {
      if (!isStorageError(error, 'DENIED')) throw error;
      remark(
        `${store.description} does not let us end uploads that dead writers left (${error.message}); give the bucket a lifecycle rule that ends them`,
      );
      break;
    }
  }
  return { removed, left: pending.length - removed };
}

function mayBeOurs(key: string): boolean {
  return OF_BACKUPS.test(key) || key.startsWith(`${OWN_FOLDER}/`);
}
