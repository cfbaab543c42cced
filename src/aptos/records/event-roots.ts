import type { BatchHasher } from '../hash/batch-hasher.js';
import { ACCUMULATOR_PLACEHOLDER } from '../hash/seeds.js';

/**
 * Event roots of `count` transactions. Hashes the accumulators of all transactions together, level by level. The
 * event hashes lie one after another at address `hashes`; those of transaction i have the indexes `starts[i]` to
 * `starts[i + 1] - 1`. Returns the address of each root.
 */
export function eventRoots(
  hasher: BatchHasher,
  hashes: number,
  starts: Uint32Array,
  count: number,
): Float64Array {
  const events = starts[count]!;
  const placeholder = hasher.region('event placeholder', 32);
  const table = hasher.region('event pairs', (events + count) * 8) >> 2;
  const levels = hasher.region('event levels', (events * 2 + count * 64) * 32);
  const { memory, words } = hasher;
  memory.set(ACCUMULATOR_PLACEHOLDER, placeholder);
  const at = new Float64Array(count);
  const widths = new Uint32Array(count);
  let open: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const width = starts[i + 1]! - starts[i]!;
    at[i] = width === 0 ? placeholder : hashes + starts[i]! * 32;
    widths[i] = width;
    if (width > 1) open.push(i);
  }
  let out = levels;
  while (open.length > 0) {
    let pairs = 0;
    const next: number[] = [];
    for (const i of open) {
      const width = widths[i]!;
      const first = at[i]!;
      at[i] = out + pairs * 32;
      for (let k = 0; k < width; k += 2) {
        words[table + 2 * pairs] = first + k * 32;
        words[table + 2 * pairs + 1] = k + 1 < width ? first + (k + 1) * 32 : placeholder;
        pairs += 1;
      }
      widths[i] = (width + 1) >> 1;
      if (width > 2) next.push(i);
    }
    hasher.hashPairs('EventAccumulator', table * 4, pairs, out);
    out += pairs * 32;
    open = next;
  }
  return at;
}
