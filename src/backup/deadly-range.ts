import type { Range } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile } from './stored-file.js';

/**
 * A note in a unit's folder that workers died while they stored a range (docs/formats.md, Our own
 * files): the next backup of the unit, of whatever workflow, tries that range apart at once. It goes away with success.
 */
export function deadlyRangeName({ first }: Range): string {
  return `${first}-.deadly`;
}

export async function isDeadly(
  storage: BackupStorage,
  folder: string,
  range: Range,
  signal: AbortSignal,
): Promise<boolean> {
  return (await storage.size(`${folder}/${deadlyRangeName(range)}`, signal)) !== undefined;
}

export async function noteDeadly(
  storage: BackupStorage,
  folder: string,
  range: Range,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ deadly: 1, ...range })}\n`);
  await putFile(storage, folder, deadlyRangeName(range), content);
}

export async function forgetDeadly(
  storage: BackupStorage,
  folder: string,
  range: Range,
): Promise<void> {
  await storage.removeFile(`${folder}/${deadlyRangeName(range)}`);
}
