import { hash as oneShot } from 'node:crypto';
import { BcsWriter, hash, stateKeyHash } from '../../aptos/index.js';
import { PackedStrings } from './packed.js';

const NONE = -1;
/** Marks a change that removes an item. */
const REMOVED = 2 ** 31;

/** A moment in the life of the state, to which `snapshot` can go back. */
export interface Moment {
  items: number;
  changes: number;
}

/**
 * The present state: items by number, each with its key and newest value. The number determines the key, except
 * for items from genesis. Old values and all changes stay, so that earlier states can be made again.
 */
export class StateItems {
  /** All values that were ever written, in BCS. */
  readonly values = new PackedStrings();
  private readonly givenKeys: Uint8Array[] = [];
  private keyHashes = new Uint8Array(32 * 1024);
  private valueHashes = new Uint8Array(32 * 1024);
  private current = new Float64Array(1024);
  count = 0;
  /** The item of each change, in order; the n-th one that removes nothing wrote value n. */
  private changes = new Uint32Array(1024);
  private changed = 0;
  /** Numbers of all items that ever were, ordered by key hash; up to date after `sort`. */
  private order: Uint32Array<ArrayBuffer> = new Uint32Array(0);

  constructor(private readonly seed: number) {}

  /** Adds an item and returns its number. Items from genesis bring their `key`. */
  create(value: Uint8Array, key?: Uint8Array): number {
    const item = this.count;
    if (key) this.givenKeys[item] = key;
    if (item === this.current.length) this.grow();
    this.keyHashes.set(stateKeyHash(this.key(item)), item * 32);
    this.count += 1;
    this.write(item, value);
    return item;
  }

  write(item: number, value: Uint8Array): void {
    this.current[item] = this.values.append(value);
    this.note(item);
    this.valueHashes.set(hash('StateValue', value), item * 32);
  }

  remove(item: number): void {
    this.current[item] = NONE;
    this.note(item + REMOVED);
  }

  exists(item: number): boolean {
    return this.current[item] !== NONE;
  }

  /** The item's state key in BCS. Most are keys of table items, some of resources, a few are raw keys. */
  key(item: number): Uint8Array {
    const given = this.givenKeys[item];
    if (given) return given;
    const name = oneShot('sha256', `${this.seed}/${item}`, 'buffer');
    const writer = new BcsWriter(128);
    if (item % 97 === 5)
      return writer
        .uleb(2)
        .bytes(name.subarray(0, 4 + (item % 20)))
        .toBytes();
    if (item % 10 === 3) {
      const path = new BcsWriter(96).uleb(1).fixed(COIN_ACCOUNT).string('coin').string('CoinStore');
      const tag = new BcsWriter(64).uleb(7).fixed(COIN_ACCOUNT).string('aptos_coin');
      path.uleb(1).fixed(tag.string('AptosCoin').uleb(0).toBytes());
      return writer.uleb(0).fixed(name).bytes(path.toBytes()).toBytes();
    }
    const handle = oneShot('sha256', `table ${Math.floor(item / 500)}`, 'buffer');
    return writer
      .uleb(1)
      .fixed(handle)
      .bytes(name.subarray(0, 8 + (item % 25)))
      .toBytes();
  }

  /** The present moment. */
  now(): Moment {
    return { items: this.count, changes: this.changed };
  }

  /** The data for a snapshot as of a moment: the order of items, and their values and hashes in that order. */
  snapshot(at: Moment): {
    order: Uint32Array;
    values: Float64Array;
    keys: Uint8Array;
    hashes: Uint8Array;
  } {
    this.sort();
    const then = this.valuesAt(at);
    const order = this.order.filter((item) => item < at.items && then[item] !== NONE);
    const values = new Float64Array(order.length);
    const keys = new Uint8Array(order.length * 32);
    const hashes = new Uint8Array(order.length * 32);
    for (let i = 0; i < order.length; i += 1) {
      const item = order[i]!;
      const value = then[item]!;
      values[i] = value;
      keys.set(this.keyHashes.subarray(item * 32, item * 32 + 32), i * 32);
      const known = this.current[item] === value;
      hashes.set(
        known
          ? this.valueHashes.subarray(item * 32, item * 32 + 32)
          : hash('StateValue', this.values.at(value)),
        i * 32,
      );
    }
    return { order, values, keys, hashes };
  }

  /** The value of each item at a moment, from all changes before it. */
  private valuesAt(at: Moment): Float64Array {
    if (at.changes === this.changed) return this.current;
    const then = new Float64Array(at.items).fill(NONE);
    let value = 0;
    for (let i = 0; i < at.changes; i += 1) {
      const change = this.changes[i]!;
      if (change >= REMOVED) then[change - REMOVED] = NONE;
      else then[change] = value++;
    }
    return then;
  }

  private note(change: number): void {
    if (this.changed === this.changes.length) {
      const changes = new Uint32Array(this.changed * 2);
      changes.set(this.changes);
      this.changes = changes;
    }
    this.changes[this.changed] = change;
    this.changed += 1;
  }

  /** Merges new items into the order. */
  private sort(): void {
    const { order } = this;
    const sorted = order.length;
    const fresh = Uint32Array.from({ length: this.count - sorted }, (_, i) => sorted + i);
    fresh.sort((a, b) => this.compare(a, b));
    const merged = new Uint32Array(this.count);
    let a = 0;
    let b = 0;
    for (let i = 0; i < merged.length; i += 1) {
      const takeOld = b === fresh.length || (a < sorted && this.compare(order[a]!, fresh[b]!) < 0);
      merged[i] = takeOld ? order[a++]! : fresh[b++]!;
    }
    this.order = merged;
  }

  private compare(a: number, b: number): number {
    const { keyHashes } = this;
    for (let i = 0; i < 32; i += 1) {
      const difference = keyHashes[a * 32 + i]! - keyHashes[b * 32 + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  private grow(): void {
    const size = this.current.length * 2;
    const current = new Float64Array(size);
    current.set(this.current);
    this.current = current;
    const keyHashes = new Uint8Array(size * 32);
    keyHashes.set(this.keyHashes);
    this.keyHashes = keyHashes;
    const valueHashes = new Uint8Array(size * 32);
    valueHashes.set(this.valueHashes);
    this.valueHashes = valueHashes;
  }
}

const COIN_ACCOUNT = new Uint8Array(32).fill(1, 31);
