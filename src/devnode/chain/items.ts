import { hash as oneShot } from 'node:crypto';
import { BcsWriter, hash, stateKeyHash } from '../../aptos/index.js';
import { PackedStrings } from './packed.js';

const NONE = -1;

/**
 * The present state: items by number, each with its key and newest value. The number determines the key, except
 * for items from genesis. Old values stay, because snapshots refer to them.
 */
export class StateItems {
  /** All values that were ever written, in BCS. */
  readonly values = new PackedStrings();
  private readonly givenKeys: Uint8Array[] = [];
  private keyHashes = new Uint8Array(32 * 1024);
  private valueHashes = new Uint8Array(32 * 1024);
  private current = new Float64Array(1024);
  count = 0;
  /** Numbers of the existing items, ordered by key hash; up to date after `sort`. */
  private order: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private sorted = 0;

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
    this.valueHashes.set(hash('StateValue', value), item * 32);
  }

  remove(item: number): void {
    this.current[item] = NONE;
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

  /** The data for a snapshot of the present state: the order of items, and their values and hashes in that order. */
  snapshot(): { order: Uint32Array; values: Float64Array; keys: Uint8Array; hashes: Uint8Array } {
    this.sort();
    const { order } = this;
    const values = new Float64Array(order.length);
    const keys = new Uint8Array(order.length * 32);
    const hashes = new Uint8Array(order.length * 32);
    for (let i = 0; i < order.length; i += 1) {
      const item = order[i]!;
      values[i] = this.current[item]!;
      keys.set(this.keyHashes.subarray(item * 32, item * 32 + 32), i * 32);
      hashes.set(this.valueHashes.subarray(item * 32, item * 32 + 32), i * 32);
    }
    return { order: order.slice(), values, keys, hashes };
  }

  /** Merges new items into the order and drops removed ones. */
  private sort(): void {
    const fresh = Uint32Array.from({ length: this.count - this.sorted }, (_, i) => this.sorted + i);
    fresh.sort((a, b) => this.compare(a, b));
    const merged = new Uint32Array(this.order.length + fresh.length);
    let size = 0;
    let a = 0;
    let b = 0;
    while (a < this.order.length || b < fresh.length) {
      const takeOld =
        b === fresh.length ||
        (a < this.order.length && this.compare(this.order[a]!, fresh[b]!) < 0);
      const item = takeOld ? this.order[a++]! : fresh[b++]!;
      if (this.exists(item)) merged[size++] = item;
    }
    this.order = merged.slice(0, size);
    this.sorted = this.count;
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
