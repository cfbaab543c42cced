import type { Proven } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { type Look, isProvenRecord, readLook } from './proven-record.js';

/** When a whole backup was last read. Several verifications may have read one part each. */
export interface UnitLook {
  /** When the part that was read longest ago was read, in unix milliseconds; absent when a part was never read. */
  at?: number;
  /** The last reading of some part found something wrong. */
  bad: boolean;
  /** How its parts were proven. Only of a backup that was read whole, and in which nothing was wrong. */
  proven?: Proven[];
}

/** Reads the records that verifications left in the folder of a backup. `names`: all file names in that folder. */
export async function unitLook(
  storage: BackupStorage,
  folder: string,
  names: readonly string[],
): Promise<UnitLook> {
  const looks: Look[] = [];
  for (const name of names.filter(isProvenRecord)) {
    const look = await readLook(storage, folder, name);
    if (look) looks.push(look);
  }
  return wholeLook(looks);
}

/** Earlier verifications may have cut the backup into other slices, so the newest look at each chunk counts. */
function wholeLook(looks: Look[]): UnitLook {
  const [newest, ...older] = looks.sort((a, b) => b.at - a.at);
  if (!newest) return { bad: false };
  const seen = new Set<number>();
  const proven: Proven[] = [];
  let at: number | undefined;
  let bad = false;
  for (const look of [newest, ...older]) {
    const before = seen.size;
    for (let chunk = look.from; chunk < Math.min(look.to, newest.of); chunk += 1) seen.add(chunk);
    if (seen.size === before && look !== newest) continue;
    at = look.at;
    if (look.proof) proven.push(look.proof.result.proven);
    else bad = true;
  }
  if (seen.size < newest.of || at === undefined) return { bad };
  return bad ? { at, bad } : { at, bad, proven };
}
