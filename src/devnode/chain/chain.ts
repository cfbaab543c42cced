import { Accumulator } from '../../aptos/accumulator/accumulator.js';
import { accumulatorRoot } from '../../aptos/accumulator/verify.js';
import { BcsWriter } from '../../aptos/bcs/writer.js';
import { readGenesis } from '../../aptos/chain/genesis.js';
import {
  type LedgerInfo,
  encodeLedgerInfo,
  encodeLedgerInfoWithSignatures,
} from '../../aptos/chain/ledger-info.js';
import { encodeTransactionInfo } from '../../aptos/chain/transaction-info.js';
import { type Waypoint, waypointOf } from '../../aptos/chain/waypoint.js';
import { createBatchHasher } from '../../aptos/hash/batch-hasher.js';
import { hash } from '../../aptos/hash/seeds.js';
import { StateItems } from './items.js';
import { ownGenesis } from './own-genesis.js';
import { PackedStrings } from './packed.js';
import { Random } from './random.js';
import { Snapshot } from './snapshot.js';
import { blockMetadata, contractEvent, stateCheckpoint, userTransaction } from './transactions.js';
import { type ValidatorSet, sign, validatorsOf } from './validators.js';
import { makeWriteSet } from './writes.js';

export interface ChainOptions {
  seed: number;
  format: 'V0' | 'V1';
  validators: number;
  /** Transactions of a block, its first and last included. */
  blockSize: number;
  /** State items that each user transaction creates. */
  creations: number;
  /** Bytes of a network's genesis transaction; the chain then has that one version only. */
  genesis?: Uint8Array;
  /** Snapshots kept; older ones are pruned. */
  snapshotsKept: number;
  /**
   * Makes the same chain up to genesis, then other data with trees and proofs that fit, under
   * signatures of nobody.
   */
  forged?: boolean;
}

/** The end of one epoch: its last version and the ledger info there. */
export interface EpochEnd {
  version: number;
  ledgerInfo: Uint8Array;
}

/** A chain in miniature: everything about it follows from the options and the calls of `grow`. */
export class Chain {
  readonly waypoint: Waypoint;
  /** Transaction records with their length prefixes, by version. */
  readonly records = new PackedStrings();
  readonly accumulator = new Accumulator('TransactionAccumulator');
  readonly infos = new PackedStrings();
  readonly ends: EpochEnd[] = [];
  /** By the version of the epoch's end; pruned ones are gone. */
  readonly snapshots = new Map<number, Snapshot>();
  private readonly items: StateItems;
  private readonly hasher = createBatchHasher();
  private readonly random: Random;
  private validators: ValidatorSet | undefined;
  private round = 0n;
  private timestampUsecs = 1_700_000_000_000_000n;
  private latest: { version: number; bytes: Uint8Array } | undefined;

  constructor(private readonly options: ChainOptions) {
    const { seed, genesis: given } = options;
    const genesisRandom = new Random(seed);
    const first = given ? undefined : validatorsOf(seed, 1n, options.validators, genesisRandom);
    const genesis = readGenesis(given ?? ownGenesis(first!.state, genesisRandom));
    this.validators = first && this.withSecrets(first);
    this.items = new StateItems(seed);
    for (const { key, value } of genesis.items) this.items.create(value, key);
    this.random = new Random(seed + (options.forged ? 77_777 : 1));
    const auxiliary = Uint8Array.of(0);
    this.append(
      genesis.transaction,
      auxiliary,
      genesis.transactionInfo,
      genesis.events,
      genesis.writeSet,
    );
    const ledgerInfo = encodeLedgerInfoWithSignatures(
      genesis.ledgerInfo,
      new Uint8Array(0),
      undefined,
    );
    this.ends.push({ version: 0, ledgerInfo });
    this.latest = { version: 0, bytes: ledgerInfo };
    this.takeSnapshot(0);
    this.waypoint = waypointOf(genesis.ledgerInfo);
  }

  /** The last version; all versions are committed. */
  get version(): number {
    return this.records.count - 1;
  }

  /** The epoch of the newest ledger info: the open one, unless nothing follows the last end. */
  get epoch(): number {
    return this.ends.at(-1)!.version === this.version ? this.ends.length - 1 : this.ends.length;
  }

  /** Adds transactions in blocks, the last of which ends its epoch if asked. */
  grow(transactions: number, endEpoch: boolean): void {
    if (!this.validators) throw new Error('a chain made from a genesis blob cannot grow');
    let left = transactions;
    while (left > 0) {
      const size = Math.min(left, this.options.blockSize);
      left -= size;
      this.addBlock(size, endEpoch && left === 0);
    }
  }

  /** The ledger info that proves `version`: the end of its epoch, or the newest of the open one. */
  ledgerInfoFor(version: number): { version: number; bytes: Uint8Array } | undefined {
    const epoch = this.epochOf(version);
    const end = this.ends[epoch];
    if (end) return { version: end.version, bytes: end.ledgerInfo };
    if (version > this.version) return undefined;
    if (this.latest?.version !== this.version) {
      this.latest = { version: this.version, bytes: this.signLedgerInfo(false) };
    }
    return this.latest;
  }

  epochOf(version: number): number {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]!.version < version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private addBlock(size: number, endsEpoch: boolean): void {
    const { random } = this;
    this.round += 1n;
    this.timestampUsecs += 1_000_000n;
    const epoch = BigInt(this.ends.length);
    const { round, timestampUsecs } = this;
    const creations = this.options.creations;
    for (let i = 0; i < size; i += 1) {
      const isLast = i === size - 1;
      if (isLast && size > 1) {
        const root = endsEpoch ? this.takeSnapshot(this.version + 1) : undefined;
        this.addTransaction(stateCheckpoint(random), 0, 0, i, root);
      } else if (i === 0 && size > 2) {
        this.addTransaction(blockMetadata(random, { epoch, round, timestampUsecs }), 1, 0, i);
      } else {
        this.addTransaction(userTransaction(random, this.version), random.below(4), creations, i);
        if (isLast && endsEpoch)
          throw new Error('a block that ends an epoch needs two transactions');
      }
    }
    if (endsEpoch) this.endEpoch();
  }

  private addTransaction(
    transaction: Uint8Array,
    eventCount: number,
    creations: number,
    indexInBlock: number,
    stateCheckpointHash?: Uint8Array,
  ): void {
    const { random, options } = this;
    const events = Array.from({ length: eventCount }, (_, i) =>
      contractEvent(random, this.version * 4 + i),
    );
    const isCheckpoint = transaction[0] === 3;
    const writeSet = isCheckpoint
      ? Uint8Array.of(0, 0)
      : makeWriteSet(this.items, random, creations);
    const auxiliary =
      isCheckpoint || options.format === 'V0'
        ? Uint8Array.of(0)
        : new BcsWriter(8).uleb(1).u32(indexInBlock).toBytes();
    const info = encodeTransactionInfo({
      gasUsed: BigInt(random.below(2000)),
      transactionHash: hash('Transaction', transaction),
      eventRootHash: accumulatorRoot(
        'EventAccumulator',
        events.map((event) => hash('ContractEvent', event)),
      ),
      stateChangeHash: hash('WriteSet', writeSet),
      stateCheckpointHash,
      auxiliaryInfoHash: auxiliary[0] === 1 ? hash('PersistedAuxiliaryInfo', auxiliary) : undefined,
    });
    const eventBytes = new BcsWriter(64);
    eventBytes.sequence(events, (event) => eventBytes.fixed(event));
    this.append(transaction, auxiliary, info, eventBytes.toBytes(), writeSet);
  }

  private append(
    transaction: Uint8Array,
    auxiliary: Uint8Array,
    info: Uint8Array,
    events: Uint8Array,
    writeSet: Uint8Array,
  ): void {
    const parts =
      this.options.format === 'V1'
        ? [transaction, auxiliary, info, events, writeSet]
        : [transaction, info, events, writeSet];
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
    this.records.append(Buffer.concat([prefix, ...parts]));
    this.infos.append(info);
    this.accumulator.append(hash('TransactionInfo', info));
  }

  private endEpoch(): void {
    this.ends.push({ version: this.version, ledgerInfo: this.signLedgerInfo(true) });
  }

  /** Signs the newest version; at the end of an epoch also names the next validators. */
  private signLedgerInfo(ends: boolean): Uint8Array {
    const { seed, validators: count } = this.options;
    const current = this.validators!;
    const epoch = current.state.epoch;
    // Powers come from a generator of their own: a forged chain names the same validators.
    const next = ends
      ? validatorsOf(seed, epoch + 1n, count, new Random(seed + Number(epoch) + 1000))
      : undefined;
    const info: LedgerInfo = {
      epoch,
      round: this.round,
      id: hash('Transaction', Uint8Array.of(Number(this.round % 256n))),
      executedStateId: this.accumulator.root(),
      version: BigInt(this.version),
      timestampUsecs: this.timestampUsecs,
      nextEpochState: next?.state,
      consensusDataHash: new Uint8Array(32),
    };
    const random = new Random(seed + this.version);
    const { bitmask, signature } = sign(current, encodeLedgerInfo(info), random);
    if (next) this.validators = this.withSecrets(next);
    return encodeLedgerInfoWithSignatures(info, bitmask, signature);
  }

  /** A forger knows whom to name, but has other keys. */
  private withSecrets(set: ValidatorSet): ValidatorSet {
    if (!this.options.forged) return set;
    const other = validatorsOf(
      this.options.seed + 1,
      set.state.epoch,
      set.secrets.length,
      new Random(0),
    );
    return { state: set.state, secrets: other.secrets };
  }

  /** Keeps the state as it is now under a version, and returns its root. */
  private takeSnapshot(version: number): Uint8Array {
    const snapshot = new Snapshot(version, this.items, this.hasher);
    this.snapshots.set(version, snapshot);
    const oldest = this.snapshots.keys().next();
    if (this.snapshots.size > this.options.snapshotsKept && !oldest.done) {
      this.snapshots.delete(oldest.value);
    }
    return snapshot.tree.root;
  }
}
