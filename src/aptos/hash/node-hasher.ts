import { createHash } from 'node:crypto';
import type { BatchHasher } from './batch-hasher.js';
import { Regions } from './regions.js';
import { type SeedName, seed } from './seeds.js';

/** The batch hasher without WebAssembly: it calls node:crypto for each message. */
export class NodeHasher implements BatchHasher {
  readonly kind = 'node';
  memory = new Uint8Array(0);
  words = new Uint32Array(0);
  private readonly regions = new Regions(0);

  region(name: string, bytes: number): number {
    return this.regions.get(
      name,
      bytes,
      (end) => {
        if (end <= this.memory.length) return;
        const grown = new Uint8Array(end);
        grown.set(this.memory);
        this.memory = grown;
        this.words = new Uint32Array(grown.buffer);
      },
      (to, from, size) => this.memory.copyWithin(to, from, from + size),
    );
  }

  hashSlices(name: SeedName, table: number, count: number, out: number, stride = 32): void {
    const prefix = seed(name);
    for (let i = 0; i < count; i += 1) {
      const at = this.words[(table >> 2) + 2 * i]!;
      const length = this.words[(table >> 2) + 2 * i + 1]!;
      const hash = createHash('sha3-256').update(prefix);
      this.memory.set(
        hash.update(this.memory.subarray(at, at + length)).digest(),
        out + i * stride,
      );
    }
  }

  hashPairs(name: SeedName, table: number, count: number, out: number, stride = 32): void {
    const prefix = seed(name);
    for (let i = 0; i < count; i += 1) {
      const left = this.words[(table >> 2) + 2 * i]!;
      const right = this.words[(table >> 2) + 2 * i + 1]!;
      const hash = createHash('sha3-256').update(prefix);
      hash.update(this.memory.subarray(left, left + 32));
      hash.update(this.memory.subarray(right, right + 32));
      this.memory.set(hash.digest(), out + i * stride);
    }
  }
}
