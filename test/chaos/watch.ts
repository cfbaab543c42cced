import { setTimeout as sleep } from 'node:timers/promises';
import { readCatalog } from '../../src/catalog/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import type { Coverage } from '../../src/plan/verify.js';
import { committedNames } from '../support/backup.js';
import { isEarly, storedEndings } from './early.js';
import type { World } from './world.js';

const BETWEEN_MS = 1_000;

export function verifyWorld(world: World, again: boolean): Promise<Coverage> {
  const storage = { local_fs_dir: world.volume.storage };
  const settings = { storage, trustWaypoints: [world.genesis] };
  return verifyStorage(openStorage(storage), settings, { ...WHOLE_STORAGE, again });
}

/** Somebody who verifies the storage again and again while everything goes wrong. */
export class Watcher {
  /** How often it was whole and proven. */
  looks = 0;
  /**
   * How often it was whole, and the epoch ending that proves the newest of it was not stored yet: when
   * those fail, the other streams go on, and the proof comes later.
   */
  early = 0;
  /** How often the storage went away meanwhile. */
  interrupted = 0;
  /** Rejects as soon as one look finds something. */
  readonly watching: Promise<void>;
  private over = false;

  constructor(private readonly world: World) {
    this.watching = this.watch();
    this.watching.catch(() => undefined); // told by who waits for it
  }

  async stop(): Promise<void> {
    this.over = true;
    await this.watching;
  }

  private async watch(): Promise<void> {
    const { volume } = this.world;
    while (!this.over) {
      if (volume.there && committedNames(volume.storage).length > 0) await this.look();
      await sleep(BETWEEN_MS);
    }
  }

  private async look(): Promise<void> {
    const { volume } = this.world;
    volume.wasAway(); // what counts is whether it is from now on
    try {
      const storage = openStorage({ local_fs_dir: volume.storage });
      const endings = storedEndings((await readCatalog(storage)).epochEndings);
      const { findings } = await verifyWorld(this.world, false);
      const wrong = findings.filter((finding) => !isEarly(finding, endings));
      if (wrong.length > 0) {
        throw new Error(`verify found while it ran: ${JSON.stringify(wrong.slice(0, 5))}`);
      }
      if (findings.length > 0) this.early += 1;
      else this.looks += 1;
    } catch (error) {
      if (!volume.wasAway()) throw error;
      this.interrupted += 1; // it could not be looked at to the end
    }
  }
}
