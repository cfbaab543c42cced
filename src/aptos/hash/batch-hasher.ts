import type { SeedName } from './seeds.js';
import { NodeHasher } from './node-hasher.js';
import { WasmHasher, wasmIsUsable } from './wasm-hasher.js';

/**
 * Hashes many slices of one memory in one call, each behind the seed of its type (docs/formats.md,
 * Hashes). All addresses are byte offsets into that memory. A table has two u32 per message.
 */
export interface BatchHasher {
  readonly kind: 'wasm' | 'node';
  /** All of the memory. Growing replaces it: take it anew after every call of `region`. */
  readonly memory: Uint8Array;
  /** The same as u32 words, for tables. */
  readonly words: Uint32Array;
  /**
   * The address of the named part of the memory, at least `bytes` long and aligned to 16. Asking for
   * more moves it, content included; regions are shared by all who know the name.
   */
  region(name: string, bytes: number): number;
  /** Hashes messages given as (address, length); digest i goes to `out + i * stride`. */
  hashSlices(name: SeedName, table: number, count: number, out: number, stride?: number): void;
  /** Hashes messages of two 32-byte parts given as (address, address). */
  hashPairs(name: SeedName, table: number, count: number, out: number, stride?: number): void;
}

/**
 * The fastest hasher this machine has: a small WebAssembly module (about five times node:crypto on
 * Merkle-sized messages), or node:crypto where SIMD is missing.
 */
export function createBatchHasher(kind?: BatchHasher['kind']): BatchHasher {
  const chosen = kind ?? (wasmIsUsable() ? 'wasm' : 'node');
  return chosen === 'wasm' ? new WasmHasher() : new NodeHasher();
}
