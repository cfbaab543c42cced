import type { CommitLock } from '../../repository/commit-lock.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { saveAndReadBack } from '../../repository/metadata-file.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { Group } from './groups.js';
import { type CompactionTools, inBatches } from './in-batches.js';
import type { LeftAlone } from './left-alone.js';
import { contentOf } from './raw-lines.js';

const IN_FLIGHT = 8;

/**
 * Writes the files of the groups that are not there yet, and reads each back. Returns the groups that are there now. A
 * group one of whose files vanished since it was read is not written: a commit may have withdrawn its line.
 */
export async function writeGroups(
  groups: readonly Group[],
  tools: CompactionTools,
  upkeep: CommitLock,
): Promise<{ there: Group[]; leftAlone: LeftAlone[] }> {
  const { storage } = tools;
  const missing = groups.filter(({ isThere }) => !isThere);
  const failed = new Set<Group>();
  const leftAlone: LeftAlone[] = [];
  const work = { ...tools, upkeep, what: 'write files of many lines' };
  await inBatches(missing, work, async (batch, commit) => {
    const listed = new Set(await storage.listMetadata());
    await commit.requireHeld();
    await forEachAtOnce(IN_FLIGHT, batch, async (group) => {
      const gone = group.lines.find(({ source }) => !listed.has(source));
      const why = gone ? `${gone.source} vanished meanwhile` : await write(storage, group);
      if (why === undefined) return;
      failed.add(group);
      leftAlone.push({ object: group.handle, why: `${why}; the next compaction looks again` });
    });
    return true;
  });
  return { there: groups.filter((group) => !failed.has(group)), leftAlone };
}

/** Returns why the group was not written. */
async function write(storage: BackupStorage, { handle, lines }: Group) {
  const content = contentOf(lines);
  try {
    await saveAndReadBack(storage, handle.slice(handle.indexOf('/') + 1), content);
  } catch (error) {
    if (!isStorageError(error, 'EXISTS_DIFFERENT')) throw error;
    return 'somebody has just written other content';
  }
  return undefined;
}
