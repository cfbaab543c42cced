import {
  Accumulator,
  accumulatorRoot,
  BcsWriter,
  encodeLedgerInfo,
  encodeLedgerInfoWithSignatures,
  encodeTransactionInfo,
  hash,
  type LedgerInfo,
  readGenesis,
  type Waypoint,
  waypointOf,
} from '../../aptos/index.js';
import {
  type FutureRecords,
  formsAt,
  infoOfTomorrow,
  isCommitted,
  ledgerInfoOfTomorrow,
  ofTomorrow,
} from './future.js';
import { StateItems } from './items.js';
import { KeptSnapshots } from './kept-snapshots.js';
import { ownGenesis } from './own-genesis.js';
import { PackedStrings } from './packed.js';
import { Random } from './random.js';
import { blockMetadata, contractEvent, stateCheckpoint, userTransaction } from './transactions.js';
import { type UnsignedHistory, signatureUnder } from './unsigned.js';
import { type ValidatorSet, validatorsOf } from './validators.js';
import { makeWriteSet } from './writes.js';

/** Default start time, unix seconds. It is fixed, so that each start makes the same chain. */
const START_TIME = 1_700_000_000;

export interface ChainOptions {
  seed: number;
  /** When the chain began by its own clock, unix seconds. @default 1700000000 */
  startTime?: number;
  format: 'V0' | 'V1';
  validators: number;
  /** Transactions in a block, with its first and last one. */
  blockSize: number;
  /** State items that each user transaction creates. */
  creations: number;
  /** Bytes of a network's genesis transaction. The chain then has only that version. */
  genesis?: Uint8Array;
  /** Number of snapshots that are kept; older ones are pruned. */
  snapshotsKept: number;
  /**
   * Makes a forged chain: the same genesis, then other data with trees and proofs that fit it, signed with keys
   * that are not the validators'.
   */
  forged?: boolean;
  /** Record formats that are newer than those we know. */
  future?: FutureRecords;
  /** A history whose first epochs nobody signed. */
  unsigned?: UnsignedHistory | undefined;
}

/** The end of one epoch: its last version and the ledger info there. */
export interface EpochEnd {
  version: number;
  ledgerInfo: Uint8Array;
}

/** A small simulated chain. The options and the calls of `grow` determine everything in it. */
export class Chain {
  readonly waypoint: Waypoint;
  /** Transaction records with their length prefixes, by version. */
  readonly records = new PackedStrings();
  readonly accumulator = new Accumulator('TransactionAccumulator');
  readonly infos = new PackedStrings();
  readonly ends: EpochEnd[] = [];
  /** Snapshots by the version at which their epoch ends. */
  readonly snapshots: KeptSnapshots;
  /** The time of the blocks that come, unix milliseconds. Undefined: each takes one second. */
  clock: number | undefined;
  private readonly items: StateItems;
  private readonly random: Random;
  private validators: ValidatorSet | undefined;
  private round = 0n;
  private timestampUsecs: bigint;
  private latest: { version: number; bytes: Uint8Array } | undefined;

  constructor(private readonly options: ChainOptions) {
    const { seed, genesis: given } = options;
    this.timestampUsecs = BigInt(options.startTime ?? START_TIME) * 1_000_000n;
    const genesisRandom = new Random(seed);
    const first = given ? undefined : validatorsOf(seed, 1n, options.validators, genesisRandom);
    const genesis = readGenesis(given ?? ownGenesis(first!.state, genesisRandom));
    this.validators = first && this.withSecrets(first);
    this.items = new StateItems(seed);
    this.snapshots = new KeptSnapshots(this.items, options.snapshotsKept);
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
    this.snapshots.take(0);
    this.waypoint = waypointOf(genesis.ledgerInfo);
  }

  /** The last version; all versions are committed. */
  get version(): number {
    return this.records.count - 1;
  }

  /** The epoch of the newest ledger info. This is the open epoch, unless the last version ends an epoch. */
  get epoch(): number {
    return this.ends.at(-1)!.version === this.version ? this.ends.length - 1 : this.ends.length;
  }

  /** Adds transactions in blocks. With `endEpoch`, the last block ends the epoch. */
  grow(transactions: number, endEpoch: boolean): void {
    if (!this.validators) throw new Error('a chain made from a genesis blob cannot grow');
    let left = transactions;
    while (left > 0) {
      const size = Math.min(left, this.options.blockSize);
      left -= size;
      this.addBlock(size, endEpoch && left === 0);
    }
  }

  /** The ledger info that proves `version`: that of the epoch's end, or the newest one in the open epoch. */
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
    this.timestampUsecs = this.nextTime();
    const epoch = BigInt(this.ends.length);
    const { round, timestampUsecs } = this;
    const creations = this.options.creations;
    for (let i = 0; i < size; i += 1) {
      const isLast = i === size - 1;
      if (isLast && size > 1) {
        const root = endsEpoch ? this.snapshots.take(this.version + 1).root : undefined;
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

  private nextTime(): bigint {
    const before = this.timestampUsecs;
    if (this.clock === undefined) return before + 1_000_000n;
    const now = BigInt(this.clock) * 1_000n;
    return now > before ? now : before + 1n; // no block is older than the one before it
  }

  private addTransaction(
    plain: Uint8Array,
    eventCount: number,
    creations: number,
    indexInBlock: number,
    stateCheckpointHash?: Uint8Array,
  ): void {
    const { random, options } = this;
    const plainEvents = Array.from({ length: eventCount }, (_, i) =>
      contractEvent(random, this.version * 4 + i),
    );
    const isCheckpoint = plain[0] === 3;
    const plainWriteSet = isCheckpoint
      ? Uint8Array.of(0, 0)
      : makeWriteSet(this.items, random, creations);
    const plainAuxiliary =
      isCheckpoint || options.format === 'V0'
        ? Uint8Array.of(0)
        : new BcsWriter(8).uleb(1).u32(indexInBlock).toBytes();
    const forms = formsAt(options.future, this.version + 1);
    if (isCheckpoint) forms.delete('status'); // a checkpoint never fails
    const { transaction, auxiliary, events, writeSet } = ofTomorrow(
      {
        transaction: plain,
        auxiliary: plainAuxiliary,
        events: plainEvents,
        writeSet: plainWriteSet,
      },
      forms,
      random,
    );
    const known = encodeTransactionInfo({
      gasUsed: BigInt(random.below(2000)),
      transactionHash: hash('Transaction', transaction),
      eventRootHash: accumulatorRoot(
        'EventAccumulator',
        events.map((event) => hash('ContractEvent', event)),
      ),
      stateChangeHash: hash('WriteSet', writeSet),
      stateCheckpointHash,
      auxiliaryInfoHash: isCommitted(auxiliary, forms)
        ? hash('PersistedAuxiliaryInfo', auxiliary)
        : undefined,
    });
    const info = infoOfTomorrow(known, forms);
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

  /** Signs the newest version. With `ends`, the ledger info also names the next validators. */
  private signLedgerInfo(ends: boolean): Uint8Array {
    const { seed, validators: count } = this.options;
    const current = this.validators!;
    const epoch = current.state.epoch;
    // Voting power comes from its own generator, so that a forged chain names the same validators.
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
    const bytes = encodeLedgerInfo(info);
    const { bitmask, signature } = signatureUnder(this.options.unsigned, current, bytes, random);
    if (next) this.validators = this.withSecrets(next);
    const signed = encodeLedgerInfoWithSignatures(info, bitmask, signature);
    return ledgerInfoOfTomorrow(signed, formsAt(this.options.future, this.version));
  }

  /** In a forged chain, replaces the secret keys: a forger can name the validators but does not have their keys. */
  private withSecrets(set: ValidatorSet): ValidatorSet {
    const { forged, seed } = this.options;
    if (!forged) return set;
    const { state, secrets: own } = set;
    const { secrets } = validatorsOf(seed + 1, state.epoch, own.length, new Random(0));
    return { state, secrets };
  }
}
