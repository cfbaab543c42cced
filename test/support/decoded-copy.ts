import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openStorage } from '../../src/storage/open.js';
import type { StorageSettings } from '../../src/storage/registry.js';
import { storageFolder } from './backup.js';

const MOST_BYTES = 100_000_000;

/** All that a storage holds, as it is decoded, in a local folder: without one, in a new one. */
export async function decodedCopy(
  settings: StorageSettings,
  folder = storageFolder(),
): Promise<string> {
  const storage = openStorage(settings);
  for (const name of await storage.listFolders()) {
    for (const { handle } of await storage.listFolder(name)) {
      mkdirSync(dirname(join(folder, handle)), { recursive: true });
      writeFileSync(join(folder, handle), await storage.readAll(handle, MOST_BYTES));
    }
  }
  return folder;
}
