import { forEachAtOnce } from '../../lib/at-once.js';
import type { CommitLock } from '../../repository/commit-lock.js';
import { MAX_METADATA_BYTES } from '../../repository/metadata-file.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { Group } from './groups.js';
import { type CompactionTools, inBatches } from './in-batches.js';
import type { LeftAlone } from './left-alone.js';
import { digestOf } from './metadata-set.js';
import { contentOf } from './raw-lines.js';
import type { Replaced } from './replaced.js';

const IN_FLIGHT = 8;

/**
 * Moves replaced files into `metadata_backup`, each only while the files that replace it are there and whole, and while
 * it is what was read. A file that is gone is fine: somebody else has moved it. Returns how many were moved.
 */
export async function moveAway(
  expired: readonly Replaced[],
  tools: CompactionTools,
  upkeep: CommitLock,
): Promise<{ moved: number; leftAlone: LeftAlone[] }> {
  const { storage } = tools;
  const leftAlone: LeftAlone[] = [];
  let moved = 0;
  let denied: LeftAlone | undefined;
  const work = { ...tools, upkeep, what: 'move replaced files away' };
  await inBatches(expired, work, async (batch, commit) => {
    const broken = await brokenGroups(storage, batch);
    await commit.requireHeld();
    await forEachAtOnce(IN_FLIGHT, batch, async ({ file, groups }) => {
      if (denied) return;
      const { handle } = file;
      const lost = groups.find((group) => broken.has(group));
      const end = lost ? `${lost.handle} is not whole any more` : await move(storage, file);
      if (end === 'denied') denied = deniedAt(handle);
      else if (end === 'moved') moved += 1;
      else if (end !== 'gone') {
        leftAlone.push({ object: handle, why: `${end}; the next compaction looks again` });
      }
    });
    return denied === undefined;
  });
  return { moved, leftAlone: denied ? [...leftAlone, denied] : leftAlone };
}

/** The groups of a batch whose file is not there, or not whole. */
async function brokenGroups(
  storage: BackupStorage,
  batch: readonly Replaced[],
): Promise<Set<Group>> {
  const broken = new Set<Group>();
  const groups = [...new Set(batch.flatMap((one) => one.groups))];
  await forEachAtOnce(IN_FLIGHT, groups, async (group) => {
    if (!(await storage.hasContent(group.handle, contentOf(group.lines)))) broken.add(group);
  });
  return broken;
}

async function move(
  storage: BackupStorage,
  { handle, sha256 }: Replaced['file'],
): Promise<'moved' | 'gone' | 'denied' | 'it has changed meanwhile'> {
  try {
    const now = await storage.readAll(handle, MAX_METADATA_BYTES);
    if (digestOf(now) !== sha256) return 'it has changed meanwhile';
    await storage.retireMetadata(handle);
    return 'moved';
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return 'gone';
    if (isStorageError(error, 'DENIED')) return 'denied';
    throw error;
  }
}

function deniedAt(object: string): LeftAlone {
  const why =
    'the storage does not let us delete, so nothing is moved away: give the credentials the right to delete, or stop compacting';
  return { object, why };
}
