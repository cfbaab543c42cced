/**
 * Which unit a stream of the coordinator backs up next: the stock tool's ranges (docs/formats.md,
 * Ranges of the coordinator), so that storages of both can be continued by both.
 */

/** Most epochs of one unit: a catch-up takes many at a time, at the tip it is one. */
export const EPOCHS_PER_UNIT = 1000n;

/** The batch that `first` begins: genesis alone, then up to the next multiple of `size`. */
export function batchEnd(first: bigint, size: bigint): bigint {
  return first === 0n ? 0n : ((first - 1n) / size + 1n) * size;
}

/**
 * The epoch of the next snapshot: the newest that the interval allows, though missed ones are skipped.
 * It can be taken when more epochs than that have ended. `last`: newest snapshot there is.
 */
export function nextSnapshot(last: bigint | undefined, ended: bigint, interval: bigint): bigint {
  const after = last === undefined ? 0n : (last / interval + 1n) * interval;
  const newestEnded = ended > 0n ? ended - 1n : 0n;
  const newest = (newestEnded / interval) * interval;
  return after > newest ? after : newest;
}
