import { createHash } from 'node:crypto';
import { hash } from '../hash/seeds.js';

/**
 * The full subtrees that make up an accumulator of some size, by their height: one for each set bit
 * of the size (docs/formats.md, Accumulators).
 */
export class Frontier {
  private readonly byHeight = new Map<number, Uint8Array>();

  /** The frontier before leaf `first`, from a range proof's left siblings (lowest first). */
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

  /** Adds a full subtree of 2^height leaves; the size so far must be a multiple of that. */
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

  /** The subtrees, largest first. */
  subtrees(): Uint8Array[] {
    return [...this.byHeight.entries()].sort(([a], [b]) => b - a).map(([, subtree]) => subtree);
  }
}

/** A short name for a frontier: two are equal exactly when their digests are. */
export function frontierDigest(frontier: readonly Uint8Array[]): string {
  const digest = createHash('sha256').update(`${frontier.length}\n`);
  for (const subtree of frontier) digest.update(subtree);
  return digest.digest('hex');
}
