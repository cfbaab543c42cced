import path from 'node:path';
import { makeMissing } from '../../lib/host/make-folders.js';
import { syncFolder } from './local-sync.js';

/** Makes a folder, and missing ones above it, durably. Returns those that it made, the lowest first. */
export async function makeFolders(folder: string): Promise<string[]> {
  const first = await makeMissing(folder);
  const made: string[] = [];
  if (first === undefined) return made;
  for (let each = folder; each.length >= first.length; each = path.dirname(each)) {
    await syncFolder(path.dirname(each));
    made.push(each);
  }
  return made;
}
