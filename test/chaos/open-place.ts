import { BucketPlace } from './bucket/bucket-place.js';
import type { Place } from './place.js';
import type { StorageKind } from './plan.js';
import { Volume } from './volume.js';

/** What opens the storage of a run, in the folder of the run. `megabytes`: the size of a disk. */
export function openPlace(
  kind: StorageKind,
  megabytes: number,
  seed: number,
): (folder: string) => Promise<Place> {
  return kind === 's3'
    ? (folder) => BucketPlace.open(folder, seed)
    : (folder) => Promise.resolve(Volume.open(folder, megabytes));
}
