import { skipStateKey, skipStateValue } from '../bcs/skip-state.js';
import { AptosDataError } from '../errors.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { toHex } from '../hex.js';
import { LeafRun, type RunProof } from '../state-tree/leaf-run.js';
import type { RecordBlock } from './framing.js';
import { hashedKeyForm } from './state-key.js';

/**
 * Checks a chunk of a state snapshot while its records arrive: `(StateKey, StateValue)` each, keys
 * ascending by hash, and all of them under the snapshot's root (docs/formats.md, State tree).
 */
export class StateChunkVerifier {
  count = 0;
  private first: Uint8Array | undefined;
  private readonly leaves: LeafRun;
  private readonly firstIndex: bigint;

  /** `previousKey`: key hash of the item before the chunk, undefined only at index 0. */
  constructor(
    private readonly hasher: BatchHasher,
    options: { firstIndex: bigint; previousKey: Uint8Array | undefined },
  ) {
    this.firstIndex = options.firstIndex;
    this.leaves = new LeafRun(hasher, options.previousKey);
  }

  /** Adds records [from, to). @throws AptosDataError RECORD_INVALID, STATE_KEY_ORDER */
  add(block: RecordBlock, from: number, to: number): void {
    const count = to - from;
    if (count === 0) return;
    const { hasher } = this;
    const keyTable = hasher.region('state key table', count * 8) >> 2;
    const valueTable = hasher.region('state value table', count * 8) >> 2;
    const forms = hasher.region('state key forms', block.end(to - 1) - block.start(from) + 8);
    const leaves = hasher.region('state leaves', count * 64);
    const { memory, words } = hasher;
    let form = forms;
    for (let i = 0; i < count; i += 1) {
      const start = block.base + block.start(from + i) + 4;
      const end = block.base + block.end(from + i);
      const value = this.split(memory, start, end, i);
      const length = hashedKeyForm(memory, start, value, memory, form);
      words[keyTable + 2 * i] = length === 0 ? start : form;
      words[keyTable + 2 * i + 1] = length === 0 ? value - start : length;
      form += length;
      words[valueTable + 2 * i] = value;
      words[valueTable + 2 * i + 1] = end - value;
    }
    hasher.hashSlices('StateKey', keyTable * 4, count, leaves, 64);
    hasher.hashSlices('StateValue', valueTable * 4, count, leaves + 32, 64);
    this.first ??= hasher.memory.slice(leaves, leaves + 32);
    this.leaves.add(leaves, count, (i) => this.name(i));
    this.count += count;
  }

  /** Key hash of the first item. */
  get firstKey(): Uint8Array {
    if (!this.first) throw new Error('the chunk has no record yet');
    return this.first;
  }

  /** Key hash of the last item. */
  get lastKey(): Uint8Array {
    return this.leaves.lastKey;
  }

  /**
   * What the items and the siblings right of the last key prove; to be compared with the root (chunk
   * at index 0) or with the siblings right of the key before. May be called again.
   * @throws AptosDataError STATE_PROOF_MISMATCH
   */
  prove(rightSiblings: readonly Uint8Array[]): RunProof {
    return this.leaves.prove(rightSiblings);
  }

  /** Where the value begins. */
  private split(memory: Uint8Array, start: number, end: number, i: number): number {
    try {
      const value = skipStateKey(memory, start, end);
      if (skipStateValue(memory, value, end) === end) return value;
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
    }
    throw new AptosDataError(
      'RECORD_INVALID',
      `${this.name(i)} is not a state key and a state value: ${toHex(memory.slice(start, Math.min(end, start + 48)))}...`,
    );
  }

  private name(i: number): string {
    return `state item ${this.firstIndex + BigInt(this.count + i)}`;
  }
}
