import type { BackupStorage } from '../storage/storage.js';
import type { Catalog } from './catalog/entries.js';
import { lookAtMetadata } from './catalog/look.js';
import { readKnown, refuseEmptyListing, requireAllOf } from './known-metadata.js';

export { entriesOf, holdersOf, spanOfEntry } from './catalog/entries.js';
export type * from './catalog/entries.js';

/**
 * What the metadata of a storage names now. Lists the metadata, and reads only the files that this host has not read
 * before (docs/internals.md, The catalogue). Never writes into the storage.
 * @throws StorageError STORAGE_MISSING when there is no storage; CatalogError when a listing is empty
 * that cannot be
 */
export async function readCatalog(storage: BackupStorage): Promise<Catalog> {
  const catalog = await lookAtMetadata(storage);
  if (catalog.files === 0) await refuseEmptyListing(storage);
  return catalog;
}

/**
 * The same for whoever is going to write or to remove something. A listing that lacks committed backups is taken for
 * an outage, never for a smaller storage. Compaction is fine: its files name the same backups as the files that they
 * replace. @throws CatalogError also when the listing lacks what was known to be there
 */
export async function readKnownCatalog(storage: BackupStorage): Promise<Catalog> {
  const catalog = await readKnownOrNone(storage);
  if (catalog.files === 0) await refuseEmptyListing(storage);
  return catalog;
}

/** The same, but a storage may have lost all its metadata: the check of the chain reports that. */
export async function readKnownOrNone(storage: BackupStorage): Promise<Catalog> {
  const known = await readKnown(storage); // before the listing: a commit writes the line first, and then this file
  const catalog = await lookAtMetadata(storage);
  if (known) await requireAllOf(known, catalog, storage);
  return catalog;
}
