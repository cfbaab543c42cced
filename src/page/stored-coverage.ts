import type { PageCoverage } from '../contract/answers/page-answers.js';
import type { BackupType, StorageConfig } from '../contract/job.js';
import { BACKUP_TYPES, perKind } from '../contract/kinds/index.js';
import { restorable } from '../contract/restorable.js';
import { forEachAtOnce } from '../lib/at-once.js';
import type { Span } from '../lib/spans.js';
import { type BackupEntry, type Catalog, entriesOf, readCatalog } from '../repository/catalog.js';
import { prunedSpans } from '../repository/pruned.js';
import { restoreSourceOf } from '../repository/restore-source.js';
import { readVerifiedTimes } from '../repository/verified-times.js';
import { openReadable } from '../storage/index/open-readable.js';
import type { BackupStorage } from '../storage/storage.js';
import { type BackupFacts, factsOf } from '../upkeep/inventory/backup-facts.js';
import { rowOf, withFacts } from '../upkeep/inventory/list-backups.js';
import { type Facts, stretchesOf, withinWindow } from './coverage-parts.js';

/** Shortest time between two looks at the storage. */
const LOOK_MS = 10_000;
/** New backups whose folders are read in one look, and others that are read again. */
const MOST_NEW = 256;
const MOST_AGAIN = 16;
const FACTS_IN_FLIGHT = 8;
/** A folder that was read is read again after this time. */
const AGAIN_MS = 10 * 60_000;
/** Nothing is kept for a page that nobody looks at. */
const FORGET_MS = 5 * 60_000;

interface Seen {
  at: number;
  clock: number;
  catalog: Catalog;
  pruned: { epochs: Span[]; versions: Span[] };
  wholeAt: number | undefined;
}

/**
 * What a storage holds, for the map of the page. It looks only while somebody asks: it lists the metadata, and reads
 * a bounded number of folders at each look. What it found is forgotten when nobody asks any more.
 */
export class StoredCoverage {
  private storage: BackupStorage | undefined;
  private seen: Seen | undefined;
  private facts = new Map<string, Facts>();
  private looking: Promise<void> | undefined;
  /** What verifications had said at the last look. */
  private verified: string | undefined;
  private forget: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: StorageConfig,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * The coverage of a window of versions; without one, of everything. `tip`: the newest version of the node.
   * @throws StorageError, CatalogError
   */
  async read(window: Partial<Span>, tip: bigint | undefined): Promise<PageCoverage> {
    clearTimeout(this.forget);
    this.forget = setTimeout(() => this.drop(), FORGET_MS).unref();
    if (!this.seen || performance.now() - this.seen.clock >= LOOK_MS) {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
      await this.looking;
    }
    return this.told(this.seen!, window, tip);
  }

  private drop(): void {
    this.seen = undefined;
    this.facts = new Map();
  }

  private async look(): Promise<void> {
    const storage = (this.storage ??= await openReadable(this.config, this.signal));
    const catalog = await readCatalog(storage);
    const { good, whole, rotated, failed } = await readVerifiedTimes(storage);
    const verified = [good, whole, rotated, failed].join(' ');
    if (verified !== this.verified) {
      this.verified = verified;
      // A verification has ended since: what it found is in the folders.
      for (const facts of this.facts.values()) facts.clock = -Infinity;
    }
    const seen: Seen = {
      ...{ at: Date.now(), clock: performance.now(), catalog },
      // By one verification, or by shares, as health and metrics count it.
      wholeAt: Math.max(whole ?? 0, rotated ?? 0) || undefined,
      pruned: await prunedSpans(storage),
    };
    await this.readFolders(storage, catalog);
    this.seen = seen;
  }

  /** Reads the folders of new backups, the newest first, and of those that were read longest ago. */
  private async readFolders(storage: BackupStorage, catalog: Catalog): Promise<void> {
    const all = BACKUP_TYPES.flatMap((type) =>
      entriesOf(catalog, type).map((entry) => ({ type, entry, manifest: entry.manifest })),
    );
    const known = new Set(all.map(({ manifest }) => manifest));
    for (const manifest of this.facts.keys()) {
      if (!known.has(manifest)) this.facts.delete(manifest);
    }
    const clockOf = ({ manifest }: { manifest: string }) => this.facts.get(manifest)?.clock;
    const now = performance.now();
    const unread = all.filter((one) => clockOf(one) === undefined).reverse();
    const asked = all.filter((one) => clockOf(one) === -Infinity);
    // Commands of an adapter would fetch each file again.
    const old = storage.byNameOnly ? [] : all.filter((one) => now - clockOf(one)! > AGAIN_MS);
    old.sort((a, b) => clockOf(a)! - clockOf(b)!);
    const due = new Set([...[...unread, ...asked].slice(0, MOST_NEW), ...old.slice(0, MOST_AGAIN)]);
    await forEachAtOnce(FACTS_IN_FLIGHT, [...due], async ({ type, entry, manifest }) => {
      this.facts.set(manifest, foundIn(type, entry, await factsOf(storage, type, manifest)));
    });
  }

  private told(seen: Seen, window: Partial<Span>, tip: bigint | undefined): PageCoverage {
    const { catalog, pruned } = seen;
    const factsAt = ({ manifest }: BackupEntry) => this.facts.get(manifest);
    const rows = perKind((type) => stretchesOf(catalog, type, factsAt, pruned));
    const ends = BACKUP_TYPES.flatMap((type) => rows[type].map(({ last }) => last));
    const newest = [...ends, tip ?? 0n].reduce((a, b) => (a > b ? a : b), 0n);
    const first = window.first ?? 0n;
    const last = window.last ?? newest;
    const backups = BACKUP_TYPES.flatMap((type) => entriesOf(catalog, type));
    return {
      at: new Date(seen.at).toISOString(),
      ...{ first: `${first}`, last: `${last}`, newest: `${newest}` },
      backups: backups.length,
      unread: backups.filter((entry) => !factsAt(entry)).length,
      unreadable: catalog.damaged.length,
      rows: perKind((type) => withinWindow(rows[type], { first, last })),
      restorable: restorable(
        restoreSourceOf(catalog, (entry) => factsAt(entry)?.state === 'damaged'),
      ),
      ...(seen.wholeAt === undefined ? {} : { verified_at: new Date(seen.wholeAt).toISOString() }),
    };
  }
}

/** Files that are missing are a fault as much as what a verification found. */
function foundIn(type: BackupType, entry: BackupEntry, facts: BackupFacts): Facts {
  const { fault, proven } = withFacts(rowOf(type, entry, new Map()), facts);
  const wrong = fault ?? (facts.look.bad ? 'a verification found a fault in it' : undefined);
  return {
    state: wrong === undefined ? (proven ?? 'unknown') : 'damaged',
    ...(wrong === undefined ? {} : { fault: wrong }),
    ...(facts.look.at === undefined ? {} : { verifiedAt: facts.look.at }),
    clock: performance.now(),
  };
}
