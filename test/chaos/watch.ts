import { setTimeout as sleep } from 'node:timers/promises';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { isEarly, storedEndings } from './early.js';
import type { World } from './world.js';
import type { Coverage } from '../../src/contract/answers/verify-answers.js';

const BETWEEN_MS = 2_000;

export function verifyWorld(world: World, again: boolean): Promise<Coverage> {
  const { storage } = world.place;
  const settings = { storage, trustWaypoints: [world.genesis] };
  return verifyStorage(openStorage(storage), settings, { ...WHOLE_STORAGE, again });
}

/** Verifies the storage again and again while everything fails. */
export class Watcher {
  /** How often it was whole and proven. */
  looks = 0;
  /**
   * How often it was whole, but the epoch ending that proves the newest part was not stored yet. When
   * epoch endings fail, the other streams go on, and the proof comes later.
   */
  early = 0;
  /** How often the storage failed during a verification. */
  interrupted = 0;
  /** Rejects as soon as a verification finds something. */
  readonly watching: Promise<void>;
  private over = false;

  constructor(private readonly world: World) {
    this.watching = this.watch();
    this.watching.catch(() => undefined); // whoever awaits it reports the error
  }

  async stop(): Promise<void> {
    this.over = true;
    await this.watching;
  }

  private async watch(): Promise<void> {
    const { place } = this.world;
    while (!this.over) {
      const isCommitted = (name: string) => name !== 'identity.meta' && !name.startsWith('.');
      if ((await place.files.list('metadata')).some(isCommitted)) await this.look();
      await sleep(BETWEEN_MS);
    }
  }

  private async look(): Promise<void> {
    const { place } = this.world;
    place.wasAway(); // count only outages from now on
    try {
      const storage = openStorage(place.storage);
      const endings = storedEndings((await readCatalog(storage)).epochEndings);
      const { findings } = await verifyWorld(this.world, false);
      const wrong = findings.filter((finding) => !isEarly(finding, endings));
      if (wrong.length > 0) {
        throw new Error(`verify found while it ran: ${JSON.stringify(wrong.slice(0, 5))}`);
      }
      if (findings.length > 0) this.early += 1;
      else this.looks += 1;
    } catch (error) {
      if (!place.wasAway()) throw error;
      this.interrupted += 1; // the verification could not finish
    }
  }
}
