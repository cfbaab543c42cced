import { setTimeout as sleep } from 'node:timers/promises';
import { type Catalog, readCatalog } from '../repository/catalog.js';
import type { BackupStorage } from '../storage/storage.js';
import { CatalogError } from '../repository/catalog-error.js';
import { Holdings } from './holdings.js';
import { DamagedFile } from './not-served.js';

/** The metadata is read again when it is so old and somebody asks. */
const PACE_MS = 30_000;
/** A large catalogue that takes long to read is read less often: reading takes at most this part of the time. */
const SHARE = 10;
/** How long somebody who asks for the tip waits for a new reading. */
const PATIENCE_MS = 5_000;

/** What the storage holds. Follows new backups while it is served. */
export class Catalogue {
  private holdings: Holdings | undefined;
  private loading: Promise<void> | undefined;
  private nextAt = 0;
  private told = new Set<string>();

  /** `onError` is told of a reading that failed, and of metadata that is damaged. What was known before stays known. */
  constructor(
    private readonly storage: BackupStorage,
    private readonly onError: (error: unknown) => void,
    private readonly paceMs = PACE_MS,
  ) {}

  /** Reads it for the first time. @throws StorageError, CatalogError */
  async open(): Promise<Holdings> {
    const begun = Date.now();
    const catalog = await readCatalog(this.storage);
    if (this.holdings && !this.holdings.isEmpty && catalog.files === 0) {
      const why = `${this.storage.description} lists no metadata any more: we take that for an outage, and serve what was there`;
      throw new CatalogError('LISTING_EMPTY', why);
    }
    this.tellDamage(catalog.damaged);
    this.holdings = new Holdings(catalog);
    this.nextAt = Date.now() + Math.max(this.paceMs, (Date.now() - begun) * SHARE);
    return this.holdings;
  }

  /** What is known now. Begins to read the metadata again when it is time; nobody waits for that. */
  get now(): Holdings {
    if (!this.holdings) throw new Error('the catalogue is not open');
    if (Date.now() >= this.nextAt) this.refresh();
    return this.holdings;
  }

  /** The same, and waits a moment for a new reading if it is time. For who wants to know what is new. */
  async newest(): Promise<Holdings> {
    const known = this.now;
    if (!this.loading) return known;
    const patience = new AbortController();
    const enough = sleep(PATIENCE_MS, undefined, { signal: patience.signal, ref: false });
    await Promise.race([this.loading, enough]);
    patience.abort();
    enough.catch(() => undefined);
    return this.holdings ?? known;
  }

  /** Tells of each damaged line once, as long as it stays the same. */
  private tellDamage(damaged: Catalog['damaged']): void {
    const before = this.told;
    this.told = new Set(damaged.map(({ object, why }) => `${object}: ${why}`));
    for (const { object, why } of damaged) {
      if (!before.has(`${object}: ${why}`)) {
        this.onError(new DamagedFile(object, 'METADATA_INVALID', why));
      }
    }
  }

  private refresh(): void {
    this.loading ??= this.open()
      .then(
        () => undefined,
        (error: unknown) => {
          this.nextAt = Date.now() + this.paceMs;
          this.onError(error);
        },
      )
      .finally(() => (this.loading = undefined));
  }
}
