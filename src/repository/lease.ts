import { randomBytes } from 'node:crypto';
import { AptosDataError } from '../aptos/index.js';
import { storageDeadlineMs } from '../storage/deadlines.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { storageEmptied } from '../errors/backup-error.js';
import { type LeaseFiles, leaseFiles, misleading } from './lease-files.js';
import { storedObject } from './stored-file.js';

/** What a lease gives: to follow a node; to change which backups there are, for moments; to keep the storage in order. */
export type LeaseKind = 'coordinator' | 'commit' | 'upkeep';

/** Who holds a lease. `host` and `workflow` are for messages. */
export interface Holder {
  /** The same for all processes and attempts that work for one workflow of one server. */
  owner: string;
  host: string;
  workflow: string;
}

/** Names a holder in a message. */
export function describeHolder({ workflow, host }: Holder): string {
  return `coordinator ${workflow} on host ${host}`;
}

/** How often a holder renews its lease, in milliseconds. */
const RENEW_MS = 5_000;
/** For command adapters: each command takes seconds, costs something, and may retry by itself. */
const SLOW_RENEW_MS = 60_000;
const SLOW_SILENCE_MS = 5 * 60_000;

/**
 * After so many milliseconds without a renewal a holder is dead. The time allows for one storage call that stalls, and
 * for the rest of a coordinator after it.
 */
function silenceMs({ byNameOnly }: BackupStorage): number {
  return byNameOnly ? SLOW_SILENCE_MS : storageDeadlineMs() + 6 * RENEW_MS;
}

interface Claim extends Holder {
  number: number;
  /** Random; each renewal writes a new one. */
  beat: string;
  released: boolean;
}

/**
 * A lease on a storage: one owner at a time has it, over all hosts. It is a file `{kind}-{number}.lease` in our
 * own folder of the storage. To claim the lease, an owner creates the file with the next number. The file with
 * the highest number is valid, and only its owner rewrites it, to show that it lives. So the storage only has
 * to list files and to create a name once; where it cannot, a lease is one file (`lease-files.ts`). We watch a
 * holder's file to see whether the holder is dead, and never compare the clocks of hosts.
 */
export class Lease {
  private number = 0;
  private watched: { claim: string; since: number } | undefined;
  private readonly files: LeaseFiles;

  constructor(
    private readonly storage: BackupStorage,
    private readonly kind: LeaseKind,
    private readonly me: Holder,
  ) {
    this.files = leaseFiles(storage, kind);
  }

  /**
   * Takes the lease if it is free, belongs to the same owner, or its holder is dead. Returns the other holder
   * if there is one. Call it again and again to wait: only repeated looks can show that a holder is silent.
   * An earlier claim of the same owner ends, because the attempt that made it may hang.
   */
  async claim(): Promise<Holder | undefined> {
    const top = await this.top();
    const taken = top && top.owner !== this.me.owner && !top.released;
    if (taken && !this.isSilent(top)) return top;
    this.number = (top?.number ?? 0) + 1;
    const outcome = await this.write({ replace: false });
    // Somebody may have been faster, or may have claimed the next number and removed the lower files.
    const now = await this.top();
    if (outcome === 'created' && now?.number === this.number) {
      await this.files.removeBelow(this.number);
      return undefined;
    }
    if (outcome === 'created') await this.files.remove(this.number);
    this.number = 0;
    if (now) return now;
    throw misleading(this.storage, 'does not list a lease that was there just now');
  }

  /**
   * Continues a claim that the same owner made earlier, in this or another process. Never creates a claim.
   * Returns the other holder if somebody else has the lease. @throws BackupError STORAGE_EMPTIED
   */
  async resume(): Promise<Holder | undefined> {
    const top = await this.top();
    if (top && top.owner === this.me.owner && !top.released) this.number = top.number;
    return this.renew();
  }

  /** Renews the lease. Returns the other holder if we have lost it. @throws BackupError STORAGE_EMPTIED */
  async renew(): Promise<Holder | undefined> {
    const lost = await this.lostTo();
    if (lost) return lost;
    await this.write({ replace: true });
    // Remove temporary files of dead writers here: nobody else may look into this folder for a long time.
    await this.storage.removeLeftovers(OWN_FOLDER);
    return undefined;
  }

  /** Returns the other holder if we have lost the lease, else undefined. @throws BackupError STORAGE_EMPTIED */
  async lostTo(): Promise<Holder | undefined> {
    const top = await this.top();
    if (!top) {
      throw storageEmptied(
        `nothing in ${this.storage.description} tells any more who writes there: it was unmounted, removed or emptied`,
      );
    }
    return top.number === this.number && top.owner === this.me.owner ? undefined : top;
  }

  /** How often to renew it, in milliseconds. */
  get renewMs(): number {
    return this.storage.byNameOnly ? SLOW_RENEW_MS : RENEW_MS;
  }

  /** The same claim for a job that ends with `signal`. Pass undefined for work that must finish after a cancel. */
  withSignal(signal: AbortSignal | undefined): Lease {
    const lease = new Lease(this.storage.withSignal(signal), this.kind, this.me);
    lease.number = this.number;
    return lease;
  }

  /**
   * Gives the lease up, so that the next owner need not wait, also when the job was cancelled. Writes a file with
   * the next number: a late renewal of our old file then cannot undo the release.
   */
  async release(): Promise<void> {
    await this.withSignal(undefined).giveBack();
  }

  private async giveBack(): Promise<void> {
    if (await this.lostTo()) return;
    this.number += 1;
    const outcome = await this.write({ replace: false, released: true });
    if (outcome === 'created') await this.files.removeBelow(this.number);
  }

  private isSilent({ number, beat }: Claim): boolean {
    const claim = `${number} ${beat}`;
    if (this.watched?.claim !== claim) this.watched = { claim, since: performance.now() };
    return performance.now() - this.watched.since >= silenceMs(this.storage);
  }

  private async write({
    replace,
    released,
  }: {
    replace: boolean;
    released?: boolean;
  }): Promise<'created' | 'exists'> {
    const beat = randomBytes(8).toString('hex');
    const content = { lease: 1, ...this.me, beat, ...(released ? { released } : {}) };
    const bytes = Buffer.from(`${JSON.stringify(content)}\n`);
    return this.files.write(this.number, bytes, { replace });
  }

  /** The claim with the highest number. */
  private async top(): Promise<Claim | undefined> {
    const top = await this.files.top();
    return top && { number: top.number, ...parseClaim(top.bytes) };
  }
}

/** Parses a lease file. A damaged file counts as the claim of an unknown holder until that holder is dead. */
function parseClaim(bytes: Uint8Array): Omit<Claim, 'number'> {
  try {
    const fields = storedObject(bytes, 'lease');
    return {
      owner: fields.string('owner'),
      host: fields.string('host'),
      workflow: fields.string('workflow'),
      beat: fields.string('beat'),
      released: fields.optional('released') === true,
    };
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    return { owner: '', host: 'unknown', workflow: 'unknown', beat: '', released: false };
  }
}
