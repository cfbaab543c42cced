import {
  decodeLedgerInfoWithSignatures,
  type EpochState,
  formatWaypoint,
  type LedgerInfoWithSignatures,
  naming,
  readRecords,
  waypointOf,
} from '../aptos/index.js';
import type { NodeClient } from '../node/client.js';
import type { Proven } from '../contract/unit.js';
import { BackupError } from '../errors/backup-error.js';
import { readSpan } from './read-span.js';
import { proveSent } from './ledger-info-proof.js';
import type { TrustedWaypoints } from './trusted-waypoints.js';

/** What we keep of the ledger info that ends one epoch. Its waypoint commits to the next validators. */
export interface EpochEnding {
  version: bigint;
  waypoint: string;
  proven: Proven;
}

/** Keeps verified endings between runs. The result of `load` is trusted without a check. */
export interface EndingsCache {
  load(): Promise<EpochEnding[]>;
  save(endings: readonly EpochEnding[]): Promise<void>;
}

const CACHED_STATES = 64;

/**
 * The chain of epoch endings of a node, verified from genesis on (docs/formats.md, Trust). Each ledger info is
 * verified by the validators that the one before it names, or by a trusted waypoint. Only waypoints are kept
 * (about 100 bytes an epoch). When a validator set is needed later, it is fetched again and checked against its
 * waypoint.
 */
export class EpochHistory {
  private endings: EpochEnding[] = [];
  private readonly states = new Map<bigint, EpochState>();
  private work: Promise<void>;
  /** True while endings from the cache may be there that are not yet proven and that another node sent. */
  private borrowed = true;

  /** `genesis`: waypoint of the ledger info that ends epoch 0. The chain must begin with it. */
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
    for (;;) {
      await this.reach(epoch, signal);
      const ending = this.endings[Number(epoch)];
      if (ending) return ending;
    }
  }

  /** The validators that sign ledger infos of `epoch` (1 or later). */
  async validatorsOf(epoch: bigint, signal?: AbortSignal): Promise<EpochState> {
    for (;;) {
      await this.reach(epoch - 1n, signal);
      const validators = await this.verifiedValidators(epoch, signal);
      if (validators) return validators;
      await this.forgetUnproven();
    }
  }

  /**
   * Forgets unsigned endings that may have come from another node. Nodes may differ in unsigned history, and nothing
   * shows yet which is true; so this node is compared with its own history only. Returns whether a second try can
   * give another result: true the first time, false later.
   */
  async forgetUnproven(): Promise<boolean> {
    const { borrowed } = this;
    const before = this.work.catch(() => undefined);
    this.work = before.then(() => this.dropUnproven());
    await this.work;
    return borrowed;
  }

  private dropUnproven(): void {
    const first = this.endings.findIndex(({ proven }) => proven === 'not yet proven');
    if (!this.borrowed || first === -1) return;
    this.borrowed = false;
    this.endings = this.endings.slice(0, first);
    this.states.clear();
  }

  /** How many epoch endings are verified. */
  get verified(): number {
    return this.endings.length;
  }

  /** Whether the chain so far contains a trusted waypoint. If so, the waypoint confirms the genesis. */
  passedTrustedWaypoint(): boolean {
    return this.endings.some((ending) => this.trusted.at(ending.version) !== undefined);
  }

  /** Extends the chain up to `epoch`. Concurrent callers wait for each other, so that nothing is fetched twice. */
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
    if (next > 0n && !validators) return this.dropUnproven();
    try {
      const open = (from: bigint, count: bigint) =>
        this.node.epochEndings(from, from + count, signal);
      for await (const record of readSpan(open, next, epoch + 1n - next, signal)) {
        const ledgerInfo = naming(endOf(next), () => decodeLedgerInfoWithSignatures(record));
        this.endings.push(this.verify(ledgerInfo, next, validators));
        validators = this.remember(ledgerInfo);
        next += 1n;
      }
    } finally {
      await this.cache.save(this.endings);
    }
  }

  /**
   * The validators of `epoch`, from the verified ending of the epoch before. Fetches that ending again if it is no
   * longer in memory. Undefined when this node has another unsigned history than the one in the cache: then the
   * caller must forget the endings of the cache.
   */
  private async verifiedValidators(
    epoch: bigint,
    signal?: AbortSignal,
  ): Promise<EpochState | undefined> {
    const known = this.states.get(epoch);
    if (known) return known;
    const ending = this.endings[Number(epoch - 1n)];
    if (!ending) return undefined;
    const { waypoint, proven } = ending;
    const ledgerInfo = await this.fetchEnding(epoch - 1n, signal);
    const actual = formatWaypoint(waypointOf(ledgerInfo.ledgerInfo));
    if (actual !== waypoint) {
      if (proven === 'not yet proven' && this.borrowed) return undefined;
      throw new BackupError(
        'NODE_LIED',
        `the node now sends another ledger info for the end of epoch ${epoch - 1n}: ${actual}, verified before: ${waypoint}`,
      );
    }
    return this.remember(ledgerInfo);
  }

  private async fetchEnding(
    epoch: bigint,
    signal?: AbortSignal,
  ): Promise<LedgerInfoWithSignatures> {
    for await (const record of readRecords(this.node.epochEndings(epoch, epoch + 1n, signal))) {
      return naming(endOf(epoch), () => decodeLedgerInfoWithSignatures(record));
    }
    throw new BackupError('NODE_BEHIND', `the node has no ledger info that ends epoch ${epoch}`);
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
      );
    }
    const waypoint = formatWaypoint(waypointOf(ledgerInfo));
    if (epoch === 0n && waypoint !== this.genesis) {
      throw new BackupError(
        'NODE_LIED',
        `the node gave two different genesis ledger infos: ${this.genesis} and ${waypoint}`,
      );
    }
    return {
      version: ledgerInfo.version,
      waypoint,
      proven: proveSent(signed, validators, previous?.proven, this.trusted),
    };
  }

  /** Keeps the next validators of a verified ledger info in memory and returns them. */
  private remember(signed: LedgerInfoWithSignatures): EpochState {
    const state = signed.ledgerInfo.nextEpochState;
    if (!state) {
      throw new BackupError(
        'NODE_LIED',
        `the node's ledger info for the end of epoch ${signed.ledgerInfo.epoch} names no next validators`,
      );
    }
    this.states.delete(state.epoch);
    this.states.set(state.epoch, state);
    const oldest = this.states.keys().next();
    if (this.states.size > CACHED_STATES && !oldest.done) this.states.delete(oldest.value);
    return state;
  }
}

function endOf(epoch: bigint): string {
  return `the ledger info that ends epoch ${epoch}`;
}
