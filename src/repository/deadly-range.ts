import type { Range } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile } from './stored-file.js';

/**
 * A note in a unit's folder that workers died while they stored a range (docs/formats.md, Our own files).
 * The next backup of the unit, by whatever workflow, tries that range apart at once. Success removes the
 * note.
 */
export function deadlyRangeName({ first }: Range): string {
  return `${first}-.deadly`;
}

export async function isDeadly(
  storage: BackupStorage,
  folder: string,
  range: Range,
): Promise<boolean> {
  return (await storage.stat(`${folder}/${deadlyRangeName(range)}`)) !== undefined;
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
  await storage.removeFileIfAllowed(`${folder}/${deadlyRangeName(range)}`);
}
