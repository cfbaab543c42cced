import { createBatchHasher } from '../../aptos/index.js';
import type { StateItems } from './items.js';
import { Snapshot } from './snapshot.js';

const IN_MEMORY = 3;

/** The snapshots that a node keeps. Only those that were used last take memory. */
export class KeptSnapshots {
  private readonly hasher = createBatchHasher();
  private readonly byVersion = new Map<number, Snapshot>();
  /** In the order of their last use. */
  private readonly inMemory = new Set<Snapshot>();

  /** `kept`: how many there are at most; older ones are pruned. */
  constructor(
    private readonly items: StateItems,
    private readonly kept: number,
  ) {}

  /** The snapshot at the end of an epoch, unless it is pruned. */
  get(version: number): Snapshot | undefined {
    return this.byVersion.get(version);
  }

  get newest(): Snapshot | undefined {
    return [...this.byVersion.values()].at(-1);
  }

  /** Keeps the present state as the snapshot of `version`. */
  take(version: number): Snapshot {
    const snapshot = new Snapshot(version, this.items, this.hasher, (used) => this.use(used));
    this.byVersion.set(version, snapshot);
    const [oldest] = this.byVersion.keys();
    if (this.byVersion.size > this.kept) this.byVersion.delete(oldest!);
    return snapshot;
  }

  /** Without this, memory would grow with the square of the chain's length. */
  private use(snapshot: Snapshot): void {
    this.inMemory.delete(snapshot);
    this.inMemory.add(snapshot);
    for (const oldest of this.inMemory) {
      if (this.inMemory.size <= IN_MEMORY) return;
      oldest.release();
      this.inMemory.delete(oldest);
    }
  }
}
