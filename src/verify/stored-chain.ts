import {
  type EpochState,
  type LedgerInfoWithSignatures,
  decodeLedgerInfoWithSignatures,
} from '../aptos/chain/ledger-info.js';
import { formatWaypoint, waypointOf } from '../aptos/chain/waypoint.js';
import { AptosDataError } from '../aptos/errors.js';
import { BackupError } from '../backup/errors.js';
import { readRecords } from '../backup/record-stream.js';
import {
  notOfEpoch,
  proveSignatures,
  requireGenesisForm,
} from '../backup/trust/ledger-info-proof.js';
import type { TrustedWaypoints } from '../backup/trust/trusted-waypoints.js';
import type { Proven } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';

/** The stored ledger info that ends one epoch. */
export interface StoredEnding {
  version: bigint;
  waypoint: string;
  proven: Proven;
  /** The chunk file it stands in. */
  file: string;
}

const CACHED_STATES = 64;

/**
 * The chain of epoch endings as one storage holds it, each checked with the one before. It proves
 * the ledger infos of the same storage: nothing but what is stored and what is trusted vouches.
 */
export class StoredChain {
  private readonly endings = new Map<bigint, StoredEnding>();
  private readonly states = new Map<bigint, EpochState>();

  constructor(
    private readonly storage: BackupStorage,
    readonly trusted: TrustedWaypoints,
  ) {}

  /** All that was taken up, to be handed to a thread; `restore` takes it up there. */
  dump(): [bigint, StoredEnding][] {
    return [...this.endings.entries()];
  }

  restore(endings: readonly [bigint, StoredEnding][]): void {
    for (const [epoch, ending] of endings) this.endings.set(epoch, ending);
  }

  ending(epoch: bigint): StoredEnding | undefined {
    return this.endings.get(epoch);
  }

  /** Epochs whose endings were taken up, in order. */
  epochs(): bigint[] {
    return [...this.endings.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Whether a trusted waypoint is part of the chain, which then vouches for its genesis. */
  confirmed(): boolean {
    return [...this.endings.values()].some((e) => this.trusted.at(e.version) !== undefined);
  }

  /**
   * Takes up the ledger info that ends `epoch`; the ones before it come first. Says how it is
   * proven. @throws AptosDataError or BackupError when it is not part of this chain
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
      this.endings.set(epoch, { version: ledgerInfo.version, waypoint, proven, file });
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
      return 'not yet proven'; // behind a hole: nobody stored vouches for its signers
    }
    return proveSignatures(signed, validators, before?.proven, this.trusted);
  }

  /**
   * Says how a ledger info that covers a chunk is proven.
   * @throws BackupError HISTORY_UNSIGNED when nothing stored can prove it
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
        'HISTORY_UNSIGNED',
        epoch === 0n
          ? 'its ledger info is that of genesis; the epoch ending 0 is not stored, so nothing proves it'
          : `its ledger info is of epoch ${epoch}; the epoch ending ${epoch - 1n} that names its signers is not stored, so nothing proves it`,
        false,
      );
    }
    return proveSignatures(signed, validators, before?.proven, this.trusted);
  }

  /** @throws AptosDataError when a chunk up to `last` cannot be under a ledger info of `epoch` */
  requireEpochOf(last: bigint, epoch: bigint): void {
    const before = epoch === 0n ? undefined : this.endings.get(epoch - 1n);
    const own = this.endings.get(epoch);
    const tooLow = before !== undefined && last <= before.version;
    if (!tooLow && !(own && last > own.version)) return;
    throw notOfEpoch(last, epoch);
  }

  private async validatorsOf(epoch: bigint): Promise<EpochState | undefined> {
    const known = this.states.get(epoch);
    if (known) return known;
    const before = this.endings.get(epoch - 1n);
    if (!before) return undefined;
    for await (const record of readRecords(this.storage.read(before.file))) {
      const { ledgerInfo } = decodeLedgerInfoWithSignatures(record);
      if (formatWaypoint(waypointOf(ledgerInfo)) !== before.waypoint) continue;
      this.remember(ledgerInfo.nextEpochState!);
      return ledgerInfo.nextEpochState;
    }
    return undefined;
  }

  private remember(state: EpochState): void {
    this.states.delete(state.epoch);
    this.states.set(state.epoch, state);
    const oldest = this.states.keys().next();
    if (this.states.size > CACHED_STATES && !oldest.done) this.states.delete(oldest.value);
  }
}
