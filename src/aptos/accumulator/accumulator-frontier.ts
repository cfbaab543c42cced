import { createHash } from 'node:crypto';
import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';

/**
 * The frontier of an accumulator: the full subtrees that it consists of, one for each set bit of its size
 * (docs/formats.md, Accumulators).
 */
export class Frontier {
  private readonly byHeight = new Map<number, Uint8Array>();

  /**
   * The frontier before leaf `first`, from the left siblings of a range proof (nearest the leaves first). Undefined
   * when their number does not fit `first`.
   */
  static before(first: bigint, leftSiblings: readonly Uint8Array[]): Frontier | undefined {
    const frontier = new Frontier();
    let used = 0;
    for (let height = 0; first >> BigInt(height) > 0n; height += 1) {
      if (((first >> BigInt(height)) & 1n) === 0n) continue;
      const subtree = leftSiblings[used++];
      if (!subtree) return undefined;
      frontier.byHeight.set(height, subtree);
    }
    return used === leftSiblings.length ? frontier : undefined;
  }

  /** Adds a full subtree of 2^height leaves. The size so far must be a multiple of 2^height. */
  add(height: number, subtree: Uint8Array): void {
    let at = height;
    let node = subtree;
    for (let left = this.byHeight.get(at); left; left = this.byHeight.get(at)) {
      this.byHeight.delete(at);
      node = hash('TransactionAccumulator', left, node);
      at += 1;
    }
    this.byHeight.set(at, node);
  }

  at(height: number): Uint8Array | undefined {
    return this.byHeight.get(height);
  }

  /** The root of the accumulator, which must have at least one leaf. */
  root(): Uint8Array {
    const [lowest, ...rest] = [...this.byHeight.entries()].sort(([a], [b]) => a - b);
    let [height, node] = lowest!;
    for (const [above, left] of rest) {
      for (; height < above; height += 1) {
        node = hash('TransactionAccumulator', node, ACCUMULATOR_PLACEHOLDER);
      }
      node = hash('TransactionAccumulator', left, node);
      height += 1;
    }
    return node;
  }

  /** The subtrees, largest first. */
  subtrees(): Uint8Array[] {
    return [...this.byHeight.entries()].sort(([a], [b]) => b - a).map(([, subtree]) => subtree);
  }
}

/** SHA-256 over a frontier, as hex: two frontiers are equal when their digests are. */
export function frontierDigest(frontier: readonly Uint8Array[]): string {
  const digest = createHash('sha256').update(`${frontier.length}\n`);
  for (const subtree of frontier) digest.update(subtree);
  return digest.digest('hex');
}
