import {
  AptosDataError,
  decodeLedgerInfoWithSignatures,
  type EpochState,
  formatWaypoint,
  type LedgerInfoWithSignatures,
  readRecords,
  toHex,
  waypointOf,
} from '../aptos/index.js';
import { BackupError } from '../errors/backup-error.js';
import { notOfEpoch, proveSignatures, requireGenesisForm } from '../trust/ledger-info-proof.js';
import type { TrustedWaypoints } from '../trust/trusted-waypoints.js';
import type { Proven } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';

/** The stored ledger info that ends one epoch. */
export interface StoredEnding {
  version: bigint;
  waypoint: string;
  proven: Proven;
  /** The root of the transaction accumulator after `version`, as the ledger info says it; hex. */
  root: string;
  /** Handle of the chunk file that holds it. */
  file: string;
}

const CACHED_STATES = 64;
/** So many are read at a time; all of them stay known until they are used. */
const STATES_AHEAD = 32;

/**
 * The chain of epoch endings that one storage holds. Each is checked against the one before it. The chain
 * proves the other ledger infos of that storage, from stored data and trusted waypoints alone
 * (docs/formats.md, Trust).
 */
export class StoredChain {
  private readonly endings = new Map<bigint, StoredEnding>();
  private readonly states = new Map<bigint, EpochState>();

  constructor(
    private readonly storage: BackupStorage,
    readonly trusted: TrustedWaypoints,
  ) {}

  /** All endings, to send them to a thread, which calls `restore`. */
  dump(): [bigint, StoredEnding][] {
    return [...this.endings.entries()];
  }

  restore(endings: readonly [bigint, StoredEnding][]): void {
    for (const [epoch, ending] of endings) this.endings.set(epoch, ending);
  }

  ending(epoch: bigint): StoredEnding | undefined {
    return this.endings.get(epoch);
  }

  /** The epochs whose endings are in the chain, in ascending order. */
  epochs(): bigint[] {
    return [...this.endings.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /**
   * The unsigned endings at versions `first` to `last`, in order. The root that such an ending says is compared
   * with the root that the transactions give.
   */
  unprovenWithin(first: bigint, last: bigint): (StoredEnding & { epoch: bigint })[] {
    return [...this.endings.entries()]
      .filter(([, { proven, version }]) => {
        return proven === 'not yet proven' && version >= first && version <= last;
      })
      .map(([epoch, ending]) => ({ epoch, ...ending }))
      .sort((a, b) => (a.version < b.version ? -1 : 1));
  }

  /** Whether all endings from genesis to the newest are there. */
  isUnbroken(): boolean {
    const last = this.epochs().at(-1);
    return last === undefined || last + 1n === BigInt(this.endings.size);
  }

  /** Whether the chain contains a trusted waypoint. If so, the waypoint confirms the genesis. */
  confirmed(): boolean {
    return [...this.endings.values()].some((e) => this.trusted.at(e.version) !== undefined);
  }

  /**
   * Checks the ledger info that ends `epoch` and adds it to the chain. Lower epochs must be added first.
   * Returns how it is proven. @throws AptosDataError or BackupError when it is not part of this chain
   */
  async take(signed: LedgerInfoWithSignatures, epoch: bigint, file: string): Promise<Proven> {
    const { ledgerInfo } = signed;
    const next = ledgerInfo.nextEpochState;
    if (ledgerInfo.epoch !== epoch || next?.epoch !== epoch + 1n) {
      throw new AptosDataError(
        'EPOCH_MISMATCH',
        `expected the ledger info that ends epoch ${epoch}, found one of epoch ${ledgerInfo.epoch}${next ? '' : ' that ends no epoch'}`,
      );
    }
    const before = epoch === 0n ? undefined : this.endings.get(epoch - 1n);
    const ordered = before
      ? ledgerInfo.version > before.version
      : epoch > 0n || ledgerInfo.version === 0n;
    if (!ordered) {
      throw new AptosDataError('EPOCH_MISMATCH', `epoch ${epoch} ends before the one before it`);
    }
    const proven = await this.proveEnding(signed, epoch, before);
    if (!this.endings.has(epoch)) {
      const waypoint = formatWaypoint(waypointOf(ledgerInfo));
      const root = toHex(ledgerInfo.executedStateId);
      this.endings.set(epoch, { version: ledgerInfo.version, waypoint, proven, root, file });
      this.remember(next);
    }
    return proven;
  }

  private async proveEnding(
    signed: LedgerInfoWithSignatures,
    epoch: bigint,
    before: StoredEnding | undefined,
  ): Promise<Proven> {
    const validators = before ? await this.validatorsOf(epoch) : undefined;
    if (epoch > 0n && !validators && this.trusted.at(signed.ledgerInfo.version) === undefined) {
      return 'not yet proven'; // the ending before it, which names its signers, is not stored
    }
    return proveSignatures(signed, validators, before?.proven, this.trusted);
  }

  /**
   * Returns how the ledger info of a chunk is proven.
   * @throws BackupError HISTORY_UNSIGNED when nothing stored can prove it; AptosDataError when it is wrong
   */
  async prove(signed: LedgerInfoWithSignatures): Promise<Proven> {
    const { epoch, version } = signed.ledgerInfo;
    const own = this.endings.get(epoch);
    if (own && version > own.version) {
      throw new AptosDataError(
        'EPOCH_MISMATCH',
        `its ledger info is of epoch ${epoch} but of version ${version}, after that epoch ended at ${own.version}`,
      );
    }
    if (epoch === 0n && own) {
      const actual = formatWaypoint(waypointOf(signed.ledgerInfo));
      if (own.waypoint === actual) {
        requireGenesisForm(signed);
        return own.proven;
      }
      throw new AptosDataError(
        'EPOCH_MISMATCH',
        `its ledger info is that of another genesis: ${actual}`,
      );
    }
    const before = epoch === 0n ? undefined : this.endings.get(epoch - 1n);
    const validators = before ? await this.validatorsOf(epoch) : undefined;
    if (!validators && this.trusted.at(version) === undefined) {
      throw new BackupError(
        'SIGNERS_NOT_STORED',
        epoch === 0n
          ? 'its ledger info is that of genesis; the epoch ending 0 is not stored, so nothing proves it'
          : `its ledger info is of epoch ${epoch}; the epoch ending ${epoch - 1n} that names its signers is not stored, so nothing proves it`,
      );
    }
    return proveSignatures(signed, validators, before?.proven, this.trusted);
  }

  /** @throws AptosDataError when version `last`, the last one of a chunk, is not in `epoch` */
  requireEpochOf(last: bigint, epoch: bigint): void {
    const before = epoch === 0n ? undefined : this.endings.get(epoch - 1n);
    const own = this.endings.get(epoch);
    const tooLow = before !== undefined && last <= before.version;
    if (!tooLow && !(own && last > own.version)) return;
    throw notOfEpoch(last, epoch);
  }

  /** The stored ledger info that ends an epoch; undefined when it is not in the chain, or its file has changed. */
  async ledgerInfoOf(epoch: bigint): Promise<LedgerInfoWithSignatures | undefined> {
    const ending = this.endings.get(epoch);
    if (!ending) return undefined;
    for await (const record of readRecords(this.storage.read(ending.file))) {
      const signed = decodeLedgerInfoWithSignatures(record);
      if (formatWaypoint(waypointOf(signed.ledgerInfo)) === ending.waypoint) return signed;
    }
    return undefined;
  }

  private async validatorsOf(epoch: bigint): Promise<EpochState | undefined> {
    if (!this.states.has(epoch)) await this.readStates(epoch - 1n);
    return this.states.get(epoch);
  }

  /**
   * Reads the validators that the ending of an epoch names, and those of the next epochs in the same file: it may have
   * thousands, and whoever asks for one asks for the next ones soon.
   */
  private async readStates(epoch: bigint): Promise<void> {
    const ending = this.endings.get(epoch);
    if (!ending) return;
    let read = 0;
    try {
      for await (const record of readRecords(this.storage.read(ending.file))) {
        const { ledgerInfo } = decodeLedgerInfoWithSignatures(new Uint8Array(record));
        const { epoch: own, nextEpochState: next } = ledgerInfo;
        if (own < epoch || !next) continue;
        if (formatWaypoint(waypointOf(ledgerInfo)) !== this.endings.get(own)?.waypoint) continue;
        this.remember(next);
        read += 1;
        if (read === STATES_AHEAD) return;
      }
    } catch (error) {
      if (!this.states.has(epoch + 1n)) throw error; // else what is wrong lies behind what was asked for
    }
  }

  private remember(state: EpochState): void {
    this.states.delete(state.epoch);
    this.states.set(state.epoch, state);
    const oldest = this.states.keys().next();
    if (this.states.size > CACHED_STATES && !oldest.done) this.states.delete(oldest.value);
  }
}
