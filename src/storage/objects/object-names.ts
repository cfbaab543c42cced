import { isStorageError } from '../storage-error.js';
import { requireHandle } from '../handles.js';
import { remark } from '../remarks.js';
import type { ObjectListing, ObjectStore } from './object-store.js';

/** Storages whose foreign keys were reported. Another listing may begin with another foreign key. */
const named = new Set<string>();

/**
 * Keeps what can be files and folders of a storage. Drops folder markers (`x/`), hidden names and keys that are no
 * handles. Reports one dropped key of each storage.
 */
export function ownOnly(
  store: Pick<ObjectStore, 'identity' | 'description'>,
  { objects, folders }: ObjectListing,
): ObjectListing {
  const foreign: string[] = [];
  const isOwn = (name: string) => {
    if (isHidden(name)) return false;
    if (isHandle(name)) return true;
    if (name !== '') foreign.push(name); // '' is the marker of the prefix itself
    return false;
  };
  const own = {
    objects: objects.filter(({ key }) => isOwn(key)),
    folders: folders.filter(isOwn),
  };
  if (foreign.length > 0 && !named.has(store.identity)) {
    named.add(store.identity);
    const shown = JSON.stringify(foreign[0]!.slice(0, 160));
    remark(
      `${store.description} holds objects that are no files of backups, such as ${shown}: folder markers, or keys of another program; they are ignored`,
    );
  }
  return own;
}

function isHidden(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.') && part !== '.' && part !== '..');
}

function isHandle(name: string): boolean {
  try {
    requireHandle(name);
    return true;
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return false;
    throw error;
  }
}
