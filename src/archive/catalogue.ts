import { readCatalog } from '../repository/catalog.js';
import type { BackupStorage } from '../storage/storage.js';
import { Holdings } from './holdings.js';

/** The metadata is read again when it is so old and somebody asks. */
const PACE_MS = 30_000;
/** A large catalogue that takes long to read is read less often: reading takes at most this part of the time. */
const SHARE = 10;

/** What the storage holds. Follows new backups while it is served. */
export class Catalogue {
  private holdings: Holdings | undefined;
  private loading: Promise<void> | undefined;
  private nextAt = 0;

  /** `onError` is told of a reading that failed. What was known before stays known. */
  constructor(
    private readonly storage: BackupStorage,
    private readonly onError: (error: unknown) => void,
    private readonly paceMs = PACE_MS,
  ) {}

  /** Reads it for the first time. @throws StorageError, CatalogError */
  async open(): Promise<Holdings> {
    const begun = Date.now();
    this.holdings = new Holdings(await readCatalog(this.storage));
    this.nextAt = Date.now() + Math.max(this.paceMs, (Date.now() - begun) * SHARE);
    return this.holdings;
  }

  /** What is known now. Begins to read the metadata again when it is time; nobody waits for that. */
  get now(): Holdings {
    if (!this.holdings) throw new Error('the catalogue is not open');
    if (Date.now() >= this.nextAt) this.refresh();
    return this.holdings;
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
