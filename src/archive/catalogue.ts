import { type Catalog, readCatalog } from '../repository/catalog.js';
import type { BackupStorage } from '../storage/storage.js';
import { Holdings } from './holdings.js';
import { DamagedFile } from './not-served.js';

/** The metadata is read again when it is so old and somebody asks. */
const PACE_MS = 30_000;
/** A large catalogue that takes long to read is read less often: reading takes at most this part of the time. */
const SHARE = 10;

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
