import {
  type EpochState,
  type LedgerInfoWithSignatures,
  decodeLedgerInfoWithSignatures,
} from '../../aptos/chain/ledger-info.js';
import { formatWaypoint, waypointOf } from '../../aptos/chain/waypoint.js';
import type { NodeClient } from '../../node/client.js';
import type { Proven } from '../../plan/unit.js';
import { BackupError } from '../errors.js';
import { readRecords } from '../record-stream.js';
import { proveSignatures } from './ledger-info-proof.js';
import type { TrustedWaypoints } from './trusted-waypoints.js';

/** What is known of the ledger info that ends one epoch. The waypoint commits to the next validators. */
export interface EpochEnding {
  version: bigint;
  waypoint: string;
  proven: Proven;
}

/** Where verified endings are kept between runs. What `load` gives is believed. */
export interface EndingsCache {
  load(): Promise<EpochEnding[]>;
  save(endings: readonly EpochEnding[]): Promise<void>;
}

const CACHED_STATES = 64;

/**
 * The chain of epoch endings, verified from genesis on: each ledger info by the validators that the
 * one before it names, or by a trusted waypoint. Only waypoints are kept (about 100 bytes an epoch);
 * a validator set that is needed later is fetched again and recognised by its waypoint.
 */
export class EpochHistory {
  private endings: EpochEnding[] = [];
  private readonly states = new Map<bigint, EpochState>();
  private work: Promise<void>;

  /** `genesis`: waypoint of the ledger info that ends epoch 0; the chain begins with no other. */
  constructor(
    private readonly node: NodeClient,
    private readonly genesis: string,
    private readonly trusted: TrustedWaypoints,
    private readonly cache: EndingsCache,
  ) {
    this.work = cache.load().then((endings) => {
      this.endings = endings;
    });
    this.work.catch(() => undefined);
  }

  /** The verified ending of `epoch`. @throws NodeError, AptosDataError, BackupError HISTORY_UNSIGNED */
  async ending(epoch: bigint, signal?: AbortSignal): Promise<EpochEnding> {
    await this.reach(epoch, signal);
    return this.endings[Number(epoch)]!;
  }

  /** The validators that sign ledger infos of `epoch` (1 or later). */
  async validatorsOf(epoch: bigint, signal?: AbortSignal): Promise<EpochState> {
    await this.reach(epoch - 1n, signal);
    return this.verifiedValidators(epoch, signal);
  }

  /** Whether the chain so far went through a trusted waypoint (which then vouches for its genesis). */
  passedTrustedWaypoint(): boolean {
    return this.endings.some((ending) => this.trusted.at(ending.version) !== undefined);
  }

  /** One at a time: concurrent callers wait for the same work instead of fetching twice. */
  private async reach(epoch: bigint, signal?: AbortSignal): Promise<void> {
    while (BigInt(this.endings.length) <= epoch) {
      const before = this.work.catch(() => undefined);
      const mine = before.then(async () => {
        signal?.throwIfAborted();
        if (BigInt(this.endings.length) <= epoch) await this.extend(epoch, signal);
      });
      this.work = mine;
      await mine;
    }
  }

  private async extend(epoch: bigint, signal?: AbortSignal): Promise<void> {
    let next = BigInt(this.endings.length);
    let validators = next === 0n ? undefined : await this.verifiedValidators(next, signal);
    try {
      for await (const record of readRecords(this.node.epochEndings(next, epoch + 1n, signal))) {
        const ledgerInfo = decodeLedgerInfoWithSignatures(record);
        this.endings.push(this.verify(ledgerInfo, next, validators));
        validators = this.remember(ledgerInfo);
        next += 1n;
      }
    } finally {
      await this.cache.save(this.endings);
    }
  }

  /** Those that the verified ending of the epoch before names; fetched again when forgotten. */
  private async verifiedValidators(epoch: bigint, signal?: AbortSignal): Promise<EpochState> {
    const known = this.states.get(epoch);
    if (known) return known;
    const { waypoint } = this.endings[Number(epoch - 1n)]!;
    const ledgerInfo = await this.fetchEnding(epoch - 1n, signal);
    const actual = formatWaypoint(waypointOf(ledgerInfo.ledgerInfo));
    if (actual !== waypoint) {
      throw new BackupError(
        'NODE_LIED',
        `the node now sends another ledger info for the end of epoch ${epoch - 1n}: ${actual}, verified before: ${waypoint}`,
        true,
      );
    }
    return this.remember(ledgerInfo);
  }

  private async fetchEnding(
    epoch: bigint,
    signal?: AbortSignal,
  ): Promise<LedgerInfoWithSignatures> {
    for await (const record of readRecords(this.node.epochEndings(epoch, epoch + 1n, signal))) {
      return decodeLedgerInfoWithSignatures(record);
    }
    throw new BackupError(
      'NODE_BEHIND',
      `the node has no ledger info that ends epoch ${epoch}`,
      true,
    );
  }

  private verify(
    signed: LedgerInfoWithSignatures,
    epoch: bigint,
    validators: EpochState | undefined,
  ): EpochEnding {
    const { ledgerInfo } = signed;
    const previous = this.endings.at(-1);
    const next = ledgerInfo.nextEpochState;
    const fits =
      ledgerInfo.epoch === epoch &&
      next?.epoch === epoch + 1n &&
      (previous === undefined ? ledgerInfo.version === 0n : ledgerInfo.version > previous.version);
    if (!fits) {
      throw new BackupError(
        'NODE_LIED',
        `the node's ledger info number ${epoch} does not end epoch ${epoch}: it says epoch ${ledgerInfo.epoch}, version ${ledgerInfo.version}, next epoch ${next?.epoch ?? 'none'}`,
        true,
      );
    }
    const waypoint = formatWaypoint(waypointOf(ledgerInfo));
    if (epoch === 0n && waypoint !== this.genesis) {
      throw new BackupError(
        'NODE_LIED',
        `the node gave two different genesis ledger infos: ${this.genesis} and ${waypoint}`,
        true,
      );
    }
    return {
      version: ledgerInfo.version,
      waypoint,
      proven: proveSignatures(signed, validators, previous?.proven, this.trusted),
    };
  }

  /** Only for ledger infos that were verified. */
  private remember(signed: LedgerInfoWithSignatures): EpochState {
    const state = signed.ledgerInfo.nextEpochState;
    if (!state) {
      throw new BackupError(
        'NODE_LIED',
        `the node's ledger info for the end of epoch ${signed.ledgerInfo.epoch} names no next validators`,
        true,
      );
    }
    this.states.delete(state.epoch);
    this.states.set(state.epoch, state);
    const oldest = this.states.keys().next();
    if (this.states.size > CACHED_STATES && !oldest.done) this.states.delete(oldest.value);
    return state;
  }
}
