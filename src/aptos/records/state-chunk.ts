import { skipStateKey, skipStateValue } from '../bcs/skip-state.js';
import { AptosDataError, UnknownForm } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { toHex } from '../hex.js';
import { LeafRun, type RunProof } from '../state-tree/leaf-run.js';
import type { RecordBlock } from './framing.js';
import { guessKey, hashedKeyForm } from './state-key.js';

/**
 * Checks a chunk of a state snapshot while its records arrive (docs/formats.md, State tree). Each record is
 * `(StateKey, StateValue)`, the key hashes ascend, and `prove` checks that all items are under the state root.
 */
export class StateChunkVerifier {
  count = 0;
  private first: Uint8Array | undefined;
  private readonly leaves: LeafRun;
  private readonly firstIndex: bigint;
  /** The error for the first key of unknown form. It cannot be proven: we do not know which of its bytes are hashed. */
  private unproven: AptosDataError | undefined;

  /** `previousKey`: key hash of the item before the chunk; undefined only at index 0. */
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
      let value = this.split(memory, start, end, i);
      let length: number;
      if (value === UNKNOWN_KEY) {
        const guess = guessKey(memory.slice(start, end));
        if (!guess) throw this.unproven!;
        memory.set(guess.form, form);
        length = guess.form.length;
        value = start + guess.end;
      } else {
        length = hashedKeyForm(memory, start, value, memory, form);
      }
      words[keyTable + 2 * i] = length === 0 ? start : form;
      words[keyTable + 2 * i + 1] = length === 0 ? value - start : length;
      form += length;
      words[valueTable + 2 * i] = value;
      words[valueTable + 2 * i + 1] = end - value;
    }
    hasher.hashSlices('StateKey', keyTable * 4, count, leaves, 64);
    hasher.hashSlices('StateValue', valueTable * 4, count, leaves + 32, 64);
    this.first ??= hasher.memory.slice(leaves, leaves + 32);
    this.withKnownKeys(() => this.leaves.add(leaves, count, (i) => this.name(i)));
    this.count += count;
  }

  /** Runs a check. If it fails after a key of unknown form, throws the error about that key, the likely cause. */
  private withKnownKeys<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw error instanceof AptosDataError && this.unproven ? this.unproven : error;
    }
  }

  /** Whether an item has a key of unknown form. Then `firstKey` and `lastKey` may be wrong. */
  get hasUnknownKeys(): boolean {
    return this.unproven !== undefined;
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
   * Computes the root (chunk at index 0) or the in-frontier (other chunks) from the items and the siblings right of
   * the last key. The callback `fits` compares it with what it should be. Can be called several times.
   * @throws AptosDataError STATE_PROOF_MISMATCH. If a key has an unknown form: UNSUPPORTED, or RECORD_INVALID when
   * the result fits with another variant of the key, which shows that only the variant is damaged
   */
  prove(
    rightSiblings: readonly Uint8Array[],
    fits?: (step: RunProof) => boolean,
  ): RunProof & { fits: boolean } {
    const step = this.withKnownKeys(() => this.leaves.prove(rightSiblings));
    const isFitting = fits?.(step) ?? false;
    if (this.unproven && !isFitting) throw this.unproven;
    if (this.unproven) {
      const why = `${this.unproven.message}, unless it is damaged: with another variant, all fits`;
      throw new AptosDataError('RECORD_INVALID', why);
    }
    return { ...step, fits: isFitting };
  }

  /**
   * Where the value of item i begins, or UNKNOWN_KEY when its key has an unknown form. A value of unknown form is no
   * problem: it ends with the record and is hashed as it is.
   */
  private split(memory: Uint8Array, start: number, end: number, i: number): number {
    let value = UNKNOWN_KEY;
    try {
      value = skipStateKey(memory, start, end);
      if (skipStateValue(memory, value, end) === end) return value;
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      if (error instanceof UnknownForm) {
        if (value === UNKNOWN_KEY) this.unproven ??= this.unknown(error, i);
        return value;
      }
    }
    throw new AptosDataError(
      'RECORD_INVALID',
      `${this.name(i)} is not a state key and a state value: ${toHex(memory.slice(start, Math.min(end, start + 48)))}...`,
    );
  }

  private unknown({ form }: UnknownForm, i: number): AptosDataError {
    return new AptosDataError('UNSUPPORTED', `${this.name(i)}: ${form}; update aptos-backup`);
  }

  private name(i: number): string {
    return `state item ${this.firstIndex + BigInt(this.count + i)}`;
  }
}

const UNKNOWN_KEY = -1;
