import { randomBytes } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import { storageDeadlineMs } from '../storage/deadlines.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

/** Who holds something in a storage, for the storage and for people. */
export interface Holder {
  /** The same for all processes and attempts that work for one workflow of one server. */
  owner: string;
  host: string;
  workflow: string;
}

/** For messages. */
export function describeHolder({ workflow, host }: Holder): string {
  return `coordinator ${workflow} on host ${host}`;
}

/** How often a holder shows that it lives. */
export const RENEW_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/** A holder that was silent for so long is dead: it had time for one operation that stalls. */
function silenceMs(): number {
  return storageDeadlineMs() + 3 * RENEW_MS;
}

interface Claim extends Holder {
  number: number;
  /** Another one with each renewal. */
  beat: string;
  released: boolean;
}

/**
 * A claim that one at a time has in a storage, over all hosts: files `{kind}-{number}.lease` in our
 * own folder. They are only ever created, with the next number, and the highest one holds; its owner
 * alone rewrites it, to show that it lives. That needs nothing of a store but to create a name once
 * and to list. Whether a holder is dead is told by watching it, never by comparing clocks.
 */
export class Lease {
  private number = 0;
  private watched: { claim: string; since: number } | undefined;

  constructor(
    private readonly storage: BackupStorage,
    private readonly kind: 'coordinator' | 'commit',
    private readonly me: Holder,
  ) {}

  /**
   * Takes the lease when it is free, the same owner's, or its holder was seen silent for long enough;
   * to be called again and again by one who waits. Returns who else holds it. An earlier claim of the same
   * owner, by an attempt that may only stand still, is lost by that.
   */
  async claim(signal?: AbortSignal): Promise<Holder | undefined> {
    const top = await this.top(signal);
    const taken = top && top.owner !== this.me.owner && !top.released;
    if (taken && !this.isSilent(top)) return top;
    this.number = (top?.number ?? 0) + 1;
    const outcome = await this.write({ replace: false }, signal);
    // Somebody was faster, or has even claimed the next number and tidied up behind itself.
    const now = await this.top(signal);
    if (outcome === 'created' && now?.number === this.number) {
      await this.removeBelow(this.number, signal);
      return undefined;
    }
    if (outcome === 'created') await this.storage.removeFile(this.handle(this.number), signal);
    this.number = 0;
    return now ?? this.claim(signal);
  }

  /**
   * Goes on with a claim that the same owner has made before, in whatever process; creates nothing.
   * Returns who holds it now, if that is somebody else. @throws BackupError STORAGE_EMPTIED
   */
  async resume(signal?: AbortSignal): Promise<Holder | undefined> {
    const top = await this.top(signal);
    if (top && top.owner === this.me.owner && !top.released) this.number = top.number;
    return this.renew(signal);
  }

  /** Shows that we live. Returns who holds it now, if we do not any more. */
  async renew(signal?: AbortSignal): Promise<Holder | undefined> {
    const lost = await this.lostTo(signal);
    if (lost) return lost;
    await this.write({ replace: true }, signal);
    // What a writer that died had on its way when its successor opened the folder: nobody else looks for long.
    await this.storage.removeLeftovers(OWN_FOLDER, signal);
    return undefined;
  }

  /** Who holds it instead of us; undefined while we do. @throws BackupError STORAGE_EMPTIED */
  async lostTo(signal?: AbortSignal): Promise<Holder | undefined> {
    const top = await this.top(signal);
    if (!top) {
      const why = `${OWN_FOLDER}/ in ${this.storage.description} no longer says who writes there: it was unmounted or emptied; nothing is written before it is back`;
      throw new BackupError('STORAGE_EMPTIED', why, true);
    }
    return top.number === this.number && top.owner === this.me.owner ? undefined : top;
  }

  /** Lets the next one in at once: by a number of its own, which a renewal that is still on its way does not take back. */
  async release(): Promise<void> {
    if (await this.lostTo()) return;
    this.number += 1;
    const outcome = await this.write({ replace: false, released: true });
    if (outcome === 'created') await this.removeBelow(this.number);
  }

  private isSilent({ number, beat }: Claim): boolean {
    const claim = `${number} ${beat}`;
    if (this.watched?.claim !== claim) this.watched = { claim, since: performance.now() };
    return performance.now() - this.watched.since >= silenceMs();
  }

  private async write(
    { replace, released }: { replace: boolean; released?: boolean },
    signal?: AbortSignal,
  ): Promise<'created' | 'exists'> {
    const beat = randomBytes(8).toString('hex');
    const content = { lease: 1, ...this.me, beat, ...(released ? { released } : {}) };
    const bytes = Buffer.from(`${JSON.stringify(content)}\n`);
    const name = this.handle(this.number).slice(OWN_FOLDER.length + 1);
    const { outcome } = await putFile(this.storage, OWN_FOLDER, name, bytes, { replace, signal });
    return outcome;
  }

  /** The claim with the highest number. */
  private async top(signal?: AbortSignal): Promise<Claim | undefined> {
    const number = (await this.numbers(signal)).at(-1);
    if (number === undefined) return undefined;
    const bytes = await readOwn(this.storage, this.handle(number), MAX_BYTES, signal);
    // Removed since it was listed: there is a higher one now.
    if (!bytes) return this.top(signal);
    return { number, ...parseClaim(bytes) };
  }

  private async numbers(signal?: AbortSignal): Promise<number[]> {
    const files = await this.storage.listFolder(OWN_FOLDER, signal);
    const pattern = new RegExp(`^${OWN_FOLDER}/${this.kind}-(\\d{8,15})\\.lease$`);
    return files
      .flatMap(({ handle }) => pattern.exec(handle)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  private async removeBelow(number: number, signal?: AbortSignal): Promise<void> {
    for (const old of await this.numbers(signal)) {
      if (old < number) await this.storage.removeFile(this.handle(old), signal);
    }
  }

  private handle(number: number): string {
    return `${OWN_FOLDER}/${this.kind}-${String(number).padStart(8, '0')}.lease`;
  }
}

/** One that cannot be read is held by somebody unknown, until it was silent for long enough. */
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
