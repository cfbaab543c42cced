import type { SeedName } from './seeds.js';
import { NodeHasher } from './node-hasher.js';
import { WasmHasher, wasmIsUsable } from './wasm-hasher.js';

/**
 * Hashes many slices of one memory in one call. Puts the seed of the type in front of each (docs/formats.md, Hashes).
 * All addresses are byte offsets into that memory. A table describes each message by two u32.
 */
export interface BatchHasher {
  readonly kind: 'wasm' | 'node';
  /** The whole memory. `region` may replace it when it grows, so read this property again after each call. */
  readonly memory: Uint8Array;
  /** The same memory as u32 words, for tables. */
  readonly words: Uint32Array;
  /**
   * The address of the region `name`, which has at least `bytes` bytes and is aligned to 16. A call with more bytes
   * than before may move the region with its content. All callers that use the same name share the region.
   */
  region(name: string, bytes: number): number;
  /** Hashes messages, each given as (address, length). Writes digest i to `out + i * stride`. @default stride 32 */
  hashSlices(name: SeedName, table: number, count: number, out: number, stride?: number): void;
  /** Hashes pairs of 32-byte values, each given as (left address, right address). Writes as `hashSlices` does. */
  hashPairs(name: SeedName, table: number, count: number, out: number, stride?: number): void;
}

/**
 * The fastest hasher for this machine: a small WebAssembly module, or node:crypto where WebAssembly has no SIMD. The
 * module is about five times as fast as node:crypto for pairs of hashes.
 */
export function createBatchHasher(kind?: BatchHasher['kind']): BatchHasher {
  const chosen = kind ?? (wasmIsUsable() ? 'wasm' : 'node');
  return chosen === 'wasm' ? new WasmHasher() : new NodeHasher();
}
