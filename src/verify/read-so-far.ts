import { forEachAtOnce } from '../lib/at-once.js';
import type { Catalog } from '../repository/catalog.js';
import type { VerifyEnding, VerifyScope } from '../contract/verification.js';
import type { VerifyTotals } from '../contract/verify-totals.js';
import type { BackupStorage } from '../storage/storage.js';
import { folderOf } from '../repository/proven-record.js';
import { type UnitLook, unitLook } from '../repository/unit-look.js';
import { unitsFrom } from './tasks.js';
import type { Coverage, ReadSoFar } from '../contract/answers/verify-answers.js';

const READS_IN_FLIGHT = 16;

type Looks = Map<string, UnitLook & { bytes: number }>;

/** When each transaction backup and each snapshot was last read, by the handle of its manifest. `files`: by folder. */
export async function lookAtAll(
  storage: BackupStorage,
  { transactions, snapshots }: Catalog,
  files: ReadonlyMap<string, { names: string[]; bytes: number }>,
): Promise<Looks> {
  const looks: Looks = new Map();
  await forEachAtOnce(READS_IN_FLIGHT, [...transactions, ...snapshots], async ({ manifest }) => {
    const folder = folderOf({ manifest });
    const { names, bytes } = files.get(folder) ?? { names: [], bytes: 0 };
    looks.set(manifest, { ...(await unitLook(storage, folder, names)), bytes });
  });
  return looks;
}

export function readSoFar(looks: Looks): ReadSoFar {
  const all = [...looks.values()];
  const read = all.filter(isRead);
  const sum = (list: readonly { bytes: number }[]) => list.reduce((n, { bytes }) => n + bytes, 0);
  const oldest = read.reduce((least, { at }) => Math.min(least, at!), Infinity);
  return {
    backups: read.length,
    of_backups: all.length,
    bytes: sum(read),
    of_bytes: sum(all),
    since: read.length > 0 ? new Date(oldest).toISOString() : undefined,
  };
}

/**
 * What a verification left unread when its budget of time or bytes ended. Backups that were proven before are not
 * counted: the next verification would skip them.
 */
export async function whatIsLeft(
  storage: BackupStorage,
  catalog: Catalog,
  scope: VerifyScope,
  totals: VerifyTotals,
  { begunAt, frozen, stopped }: VerifyEnding & Required<Pick<VerifyEnding, 'stopped'>>,
  looks: Looks,
): Promise<NonNullable<Coverage['stopped']>> {
  const { by, at: cursor } = stopped;
  const covered = { ...scope, ...frozen };
  const units = await unitsFrom(storage, catalog, covered, cursor);
  let backups = 0;
  let bytes = 0;
  for (const { manifest } of units) {
    const look = looks.get(manifest);
    if (!look || (!scope.again && isRead(look))) continue;
    const begun = manifest === cursor.manifest && cursor.of ? cursor.from / cursor.of : 0;
    backups += 1;
    bytes += Math.round(look.bytes * (1 - begun));
  }
  const rate = totals.bytes / ((Date.now() - begunAt) / 1000);
  const known = Number.isFinite(rate) && rate > 0;
  return { by, backups, bytes, ...(known ? { seconds: Math.ceil(bytes / rate) } : {}) };
}

function isRead({ at, bad }: UnitLook): boolean {
  return at !== undefined && !bad;
}
