import { type BatchHasher, StateTree } from '../../aptos/index.js';
import type { StateItems } from './items.js';
import { PackedStrings } from './packed.js';

/** The state at the end of an epoch, ordered by key hash. */
export class Snapshot {
  readonly tree: StateTree;
  private readonly order: Uint32Array;
  private readonly values: Float64Array;
  private framed: PackedStrings | undefined;

  constructor(
    readonly version: number,
    private readonly items: StateItems,
    hasher: BatchHasher,
  ) {
    const { order, values, keys, hashes } = items.snapshot();
    this.order = order;
    this.values = values;
    this.tree = new StateTree(keys, hashes, hasher);
  }

  get count(): number {
    return this.order.length;
  }

  /** All records `(StateKey, StateValue)` with their length prefixes. Built at the first call. */
  frames(): PackedStrings {
    this.framed ??= this.frame();
    return this.framed;
  }

  /** Frees what can be built again. */
  release(): void {
    this.framed = undefined;
  }

  private frame(): PackedStrings {
    const frames = new PackedStrings();
    for (let i = 0; i < this.count; i += 1) {
      const key = this.items.key(this.order[i]!);
      const value = this.items.values.at(this.values[i]!);
      const frame = Buffer.allocUnsafe(4 + key.length + value.length);
      frame.writeUInt32BE(key.length + value.length);
      frame.set(key, 4);
      frame.set(value, 4 + key.length);
      frames.append(frame);
    }
    return frames;
  }
}
