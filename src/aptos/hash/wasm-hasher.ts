import { readFileSync } from 'node:fs';
import type { BatchHasher } from './batch-hasher.js';
import { Regions } from './regions.js';
import { type SeedName, seed } from './seeds.js';

const PAGE = 65_536;

interface Exports {
  memory: WebAssembly.Memory;
  start(): void;
  heapBase(): number;
  hashSlices(prefix: number, table: number, count: number, out: number, stride: number): void;
  hashPairs(prefix: number, table: number, count: number, out: number, stride: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** Compiles the module once per thread. The file lies beside this one in src/ as well as in dist/. */
function compile(): WebAssembly.Module {
  const file = new URL('./sha3-batch.wasm', import.meta.url);
  compiled ??= new WebAssembly.Module(readFileSync(file));
  return compiled;
}

/** Whether this machine's WebAssembly has SIMD. */
export function wasmIsUsable(): boolean {
  try {
    compile();
    return true;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return false;
    throw error;
  }
}

/** The batch hasher that uses the WebAssembly module and its memory. */
export class WasmHasher implements BatchHasher {
  readonly kind = 'wasm';
  memory: Uint8Array;
  words: Uint32Array;
  private readonly wasm: Exports;
  private readonly regions: Regions;
  /** The address of each seed that was used. All seeds fit into one region, so they never move. */
  private readonly prefixes = new Map<SeedName, number>();
  private readonly seeds: number;

  constructor() {
    this.wasm = new WebAssembly.Instance(compile(), {
      env: {
        abort: () => {
          throw new Error('the hashing module failed');
        },
      },
    }).exports as unknown as Exports;
    this.wasm.start();
    this.memory = new Uint8Array(this.wasm.memory.buffer);
    this.words = new Uint32Array(this.wasm.memory.buffer);
    this.regions = new Regions(Math.ceil(this.wasm.heapBase() / PAGE) * PAGE);
    this.seeds = this.region('seeds', PAGE);
  }

  region(name: string, bytes: number): number {
    return this.regions.get(
      name,
      bytes,
      (end) => {
        const missing = Math.ceil((end - this.memory.length) / PAGE);
        if (missing <= 0) return;
        this.wasm.memory.grow(missing);
        this.memory = new Uint8Array(this.wasm.memory.buffer);
        this.words = new Uint32Array(this.wasm.memory.buffer);
      },
      (to, from, size) => this.memory.copyWithin(to, from, from + size),
    );
  }

  hashSlices(name: SeedName, table: number, count: number, out: number, stride = 32): void {
    this.wasm.hashSlices(this.prefix(name), table, count, out, stride);
  }

  hashPairs(name: SeedName, table: number, count: number, out: number, stride = 32): void {
    this.wasm.hashPairs(this.prefix(name), table, count, out, stride);
  }

  private prefix(name: SeedName): number {
    let at = this.prefixes.get(name);
    if (at === undefined) {
      at = this.seeds + this.prefixes.size * 32;
      this.memory.set(seed(name), at);
      this.prefixes.set(name, at);
    }
    return at;
  }
}
