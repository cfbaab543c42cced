import { type BatchHasher, StateTree } from '../../aptos/index.js';
import type { Moment, StateItems } from './items.js';
import { PackedStrings } from './packed.js';

/** What a snapshot has in memory while it is used: about 110 bytes an item, and twice that with its records. */
interface Built {
  tree: StateTree;
  order: Uint32Array;
  values: Float64Array;
  frames: PackedStrings | undefined;
}

/** The state at the end of an epoch, ordered by key hash. It is made again from the changes of the state when needed. */
export class Snapshot {
  readonly root: Uint8Array;
  readonly count: number;
  private readonly moment: Moment;
  private built: Built | undefined;

  /** The present state. `onUse` is called before what takes memory is used. */
  constructor(
    readonly version: number,
    private readonly items: StateItems,
    private readonly hasher: BatchHasher,
    private readonly onUse: (used: Snapshot) => void,
  ) {
    this.moment = items.now();
    const { tree } = this.build();
    this.root = tree.root.slice(); // of its own: a view would keep the whole tree in memory
    this.count = tree.count;
  }

  get tree(): StateTree {
    return this.build().tree;
  }

  /** All records `(StateKey, StateValue)` with their length prefixes. */
  frames(): PackedStrings {
    const built = this.build();
    built.frames ??= this.frame(built);
    return built.frames;
  }

  /** Frees what can be made again. */
  release(): void {
    this.built = undefined;
  }

  private build(): Built {
    this.onUse(this);
    if (this.built) return this.built;
    const { order, values, keys, hashes } = this.items.snapshot(this.moment);
    const tree = new StateTree(keys, hashes, this.hasher);
    this.built = { tree, order, values, frames: undefined };
    return this.built;
  }

  private frame({ order, values }: Built): PackedStrings {
    const frames = new PackedStrings();
    for (let i = 0; i < order.length; i += 1) {
      const key = this.items.key(order[i]!);
      const value = this.items.values.at(values[i]!);
      const frame = Buffer.allocUnsafe(4 + key.length + value.length);
      frame.writeUInt32BE(key.length + value.length);
      frame.set(key, 4);
      frame.set(value, 4 + key.length);
      frames.append(frame);
    }
    return frames;
  }
}
