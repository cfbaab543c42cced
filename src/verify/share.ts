import { createHash } from 'node:crypto';
import { forEachAtOnce } from '../lib/at-once.js';
import type { VerifyScope } from '../contract/verification.js';
import { StorageError, isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { folderOf } from '../repository/proven-record.js';
import { unitLook } from '../repository/unit-look.js';

const READS_IN_FLIGHT = 16;

interface Named {
  manifest: string;
}
type Share = NonNullable<VerifyScope['share']>;

interface Rank<U> {
  unit: U;
  /** Backups with a low key come first: the time of the last reading, or a random number. */
  key: number;
  /** The last reading found something wrong, or the folder is gone. */
  bad: boolean;
}

/**
 * Chooses `percent` % of the backups, at least one: those that were read longest ago. So 100 / percent runs read all
 * of them, even if a run was missed. A backup that was never read counts as read when it was written: otherwise new
 * backups would always come before old ones. @throws StorageError
 */
export async function chooseShare(
  storage: BackupStorage,
  units: readonly Named[],
  percent: number,
): Promise<Share> {
  // A storage that cannot be written to keeps no times of readings, and one that lists no folders shows none: the
  // share is chosen at random.
  const keepsTimes =
    !storage.byNameOnly &&
    (await mayRemember(storage, await soundByAge(storage, units, { begunAt: Date.now() })));
  const share: Share = { begunAt: Date.now(), ...(keepsTimes ? {} : { chance: true }) };
  const sound = await soundByAge(storage, units, share);
  const count = Math.max(1, Math.ceil((percent / 100) * sound.length));
  const last = sound[Math.min(count, sound.length) - 1];
  return { ...share, ...(last ? { upTo: { key: last.key, manifest: last.unit.manifest } } : {}) };
}

async function soundByAge(
  storage: BackupStorage,
  units: readonly Named[],
  share: Share,
): Promise<Rank<Named>[]> {
  const ranked = await rank(storage, units, share);
  return ranked.filter(({ bad }) => !bad).sort(compare);
}

/** The backups of a share, and all that were bad at the last reading: each run reports them until they are repaired. */
export async function inShare<U extends Named>(
  storage: BackupStorage,
  units: readonly U[],
  share: Share,
): Promise<U[]> {
  const { upTo } = share;
  const ranked = await rank(storage, units, share);
  return ranked
    .filter((one) => {
      if (one.bad || !upTo) return one.bad;
      return compare(one, { key: upTo.key, unit: upTo }) <= 0;
    })
    .map(({ unit }) => unit);
}

function compare(a: Omit<Rank<Named>, 'bad'>, b: Omit<Rank<Named>, 'bad'>): number {
  return (
    a.key - b.key ||
    (a.unit.manifest < b.unit.manifest ? -1 : Number(a.unit.manifest > b.unit.manifest))
  );
}

async function rank<U extends Named>(
  storage: BackupStorage,
  units: readonly U[],
  share: Share,
): Promise<Rank<U>[]> {
  const ranked: Rank<U>[] = [];
  await forEachAtOnce(READS_IN_FLIGHT, units, async (unit, index) => {
    const { age, bad } = storage.byNameOnly
      ? { age: 0, bad: false }
      : await lookAt(storage, folderOf(unit), share);
    const key = share.chance ? numberOf(`${share.begunAt} ${unit.manifest}`) : age;
    ranked[index] = { unit, key, bad };
  });
  return ranked;
}

/** When a backup was last read, or written if it was never read (unix milliseconds). One without a folder is bad. */
async function lookAt(
  storage: BackupStorage,
  folder: string,
  { begunAt }: Share,
): Promise<{ age: number; bad: boolean }> {
  const isGone = { age: 0, bad: true };
  try {
    const files = await storage.listFolder(folder);
    const names = files.map(({ handle }) => handle.slice(folder.length + 1));
    const { at, bad } = await unitLook(storage, folder, names);
    // A time in the future comes from a wrong clock. It counts as 0, or the backup would never be chosen.
    if (at !== undefined) return { age: at > Date.now() ? 0 : at, bad };
    const written = await storage.lastChange(folder);
    return written === undefined ? isGone : { age: written > begunAt ? 0 : written, bad };
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return isGone;
    throw error;
  }
}

/**
 * Whether the storage can be written to. The test creates and discards a file in the folder of the backup that is
 * last in turn: a changed folder time does no harm there.
 */
async function mayRemember(
  storage: BackupStorage,
  sound: readonly Rank<Named>[],
): Promise<boolean> {
  const last = sound.at(-1);
  if (!last) return true;
  try {
    const probe = await storage.createFile(folderOf(last.unit), 'verified-probe.json');
    await probe.discard();
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

/** A number from 0 to 2^32 - 1 that depends on the name alone, for a random choice that can be repeated. */
export function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0);
}
