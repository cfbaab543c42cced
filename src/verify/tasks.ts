import {
  AptosDataError,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  type JsonObject,
  MAX_MANIFEST_BYTES,
} from '../aptos/index.js';
import { type Catalog, readCatalog } from '../repository/catalog.js';
import type {
  UnitSlice,
  VerifyCursor,
  VerifyPage,
  VerifyScope,
  VerifyTask,
} from '../contract/verification.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { VerifyError } from './verify-error.js';
import { chooseShare, inShare, numberOf } from './share.js';
import { requireSome } from './scope.js';
import { sizeOf } from './stored-records.js';

/** Small backups share a task, up to this size. Larger ones are cut into several tasks. */
const TASK_BYTES = 256 * 1024 * 1024;
const TASK_SLICES = 24;
/** These limits keep the payload of a page small. */
const PAGE_TASKS = 60;
const PAGE_SLICES = 300;
const SIZES_IN_FLIGHT = 16;

/**
 * Plans the next page of a verification: tasks for the backups that the storage holds now, from `cursor` on. Backups
 * are not changed. @throws VerifyError NOTHING_TO_VERIFY for a storage without backups, StorageError STORAGE_MISSING
 */
export async function nextTasks(
  storage: BackupStorage,
  scope: VerifyScope,
  cursor: VerifyCursor | undefined,
): Promise<VerifyPage> {
  const catalog = await readCatalog(storage);
  const { epochEndings, transactions, snapshots } = catalog;
  if (epochEndings.length + transactions.length + snapshots.length === 0) {
    const damaged = catalog.damaged[0];
    throw new VerifyError(
      `${storage.description} holds no backups${damaged ? ` that can be read: ${damaged.object}: ${damaged.why}` : ''}; is this the right place?`,
    );
  }
  const named = unitsOf(catalog, { ...scope, ...newestOf(catalog, scope) });
  if (cursor === undefined) requireSome(storage.description, catalog, scope, named);
  const { percent } = scope;
  const share =
    percent === undefined
      ? undefined
      : (scope.share ?? (await chooseShare(storage, named, percent)));
  const frozen = { ...newestOf(catalog, scope), ...(share ? { share } : {}) };
  const page = new Page();
  if (cursor === undefined) page.tasks.push({ kind: 'epoch_endings' });
  const units = await unitsFrom(storage, catalog, { ...scope, ...frozen }, cursor);
  const total = cursor === undefined ? { total: await recordsOf(storage, units) } : {};
  for (const unit of units) {
    const from = unit.manifest === cursor?.manifest ? cursor.from : 0;
    for await (const { slice, bytes, records } of slicesOf(storage, unit, from)) {
      if (page.isFull()) {
        page.close();
        return { tasks: page.tasks, frozen, next: cursorOf(unit, slice), ...total };
      }
      page.add(unit.kind, slice, bytes, records);
    }
  }
  page.close();
  return { tasks: page.tasks, frozen, ...total };
}

/**
 * The stored backups that a scope covers, from a cursor on, in the order in which they are verified.
 * `scope` includes what the first page fixed: the last version, the last snapshot and the share.
 */
export async function unitsFrom(
  storage: BackupStorage,
  catalog: Catalog,
  scope: VerifyScope,
  cursor: VerifyCursor | undefined,
): Promise<Listed[]> {
  const units = unitsOf(catalog, scope);
  const left = cursor === undefined ? units : units.slice(indexOf(units, cursor));
  if (!scope.share) return left;
  // A backup that the page before began is read to its end, even if its parts now count as read.
  const begun = left.filter(({ manifest }) => manifest === cursor?.manifest && cursor.from > 0);
  const others = left.filter((unit) => !begun.includes(unit));
  return [...begun, ...(await inShare(storage, others, scope.share))];
}

export interface Listed {
  kind: 'transactions' | 'state_snapshot';
  source: string;
  manifest: string;
  first: string;
  last: string;
}

function newestOf({ transactions, snapshots }: Catalog, scope: VerifyScope) {
  const newest = transactions.reduce((max, t) => (t.lastVersion > max ? t.lastVersion : max), 0n);
  const snapshot = snapshots.reduce((max, s) => (s.version > max ? s.version : max), 0n);
  return {
    endVersion: scope.endVersion ?? `${newest}`,
    snapshotBefore: scope.snapshotBefore ?? `${snapshot}`,
  };
}

/** The stored backups that a scope covers, transactions before snapshots. */
function unitsOf(catalog: Catalog, scope: VerifyScope): Listed[] {
  const start = BigInt(scope.startVersion);
  const end = scope.endVersion === undefined ? undefined : BigInt(scope.endVersion);
  const before = scope.snapshotBefore === undefined ? undefined : BigInt(scope.snapshotBefore);
  const transactions = catalog.transactions
    .filter((t) => t.lastVersion >= start && (end === undefined || t.firstVersion <= end))
    .map(({ source, manifest, firstVersion, lastVersion }) => {
      const span = { first: `${firstVersion}`, last: `${lastVersion}` };
      return { kind: 'transactions' as const, source, manifest, ...span };
    });
  const eligible = catalog.snapshots.filter((s) => before === undefined || s.version <= before);
  const chosen = { every: eligible, newest: eligible.slice(-1), none: [] }[scope.snapshots];
  const snapshots = chosen.map(({ source, manifest, epoch, version }) => {
    const span = { first: `${epoch}`, last: `${version}` };
    return { kind: 'state_snapshot' as const, source, manifest, ...span };
  });
  const { sample } = scope;
  return [...transactions, ...snapshots].filter(
    ({ manifest }) => !sample || numberOf(manifest) % sample.of === sample.part - 1,
  );
}

function cursorOf({ kind, first, manifest }: Listed, { from, of }: UnitSlice): VerifyCursor {
  return { kind, first, manifest, from, of };
}

/** The index of the unit at a cursor. If that unit is gone, the index of the one after it. */
function indexOf(units: readonly Listed[], cursor: VerifyCursor): number {
  const same = units.findIndex(
    (one) => one.kind === cursor.kind && one.manifest === cursor.manifest,
  );
  if (same !== -1) return same;
  const rank = (kind: string) => (kind === 'state_snapshot' ? 1 : 0);
  const found = units.findIndex((unit) => {
    if (unit.kind !== cursor.kind) return rank(unit.kind) > rank(cursor.kind);
    const [a, b] = [BigInt(unit.first), BigInt(cursor.first)];
    // It may have been consolidated into a larger one, which begins earlier.
    if (unit.kind === 'transactions' && a < b) return BigInt(unit.last) >= b;
    return a === b ? unit.manifest >= cursor.manifest : a > b;
  });
  return found === -1 ? units.length : found;
}

/** The slices of a backup, from chunk `from` on. Looks up sizes of files only as far as the caller reads. */
async function* slicesOf(
  storage: BackupStorage,
  unit: Listed,
  from: number,
): AsyncGenerator<{ slice: UnitSlice; bytes: number; records: number }> {
  const { kind: _, ...fields } = unit;
  const chunks = await chunksOf(storage, unit);
  const of = chunks.length;
  // A manifest that cannot be read gets a task too: the task reports why.
  if (of === 0) yield { slice: { ...fields, from: 0, to: 0, of }, bytes: 0, records: 0 };
  let bytes = 0;
  let records = 0;
  let begin = from;
  for (let i = from; i < of; i += SIZES_IN_FLIGHT) {
    const some = chunks.slice(i, i + SIZES_IN_FLIGHT);
    const sizes = await Promise.all(
      some.map(async ({ file, extra }) => extra?.['bytes'] ?? sizeOf(storage, file)),
    );
    for (const [n, size] of sizes.entries()) {
      const to = i + n + 1;
      bytes += Number(size);
      records += some[n]!.records;
      if (bytes < TASK_BYTES && to < of) continue;
      yield { slice: { ...fields, from: begin, to, of }, bytes, records };
      [begin, bytes, records] = [to, 0, 0];
    }
  }
}

/** The chunks that a manifest names; none when it cannot be read. */
async function chunksOf(
  storage: BackupStorage,
  { kind, manifest }: Listed,
): Promise<{ file: string; records: number; extra?: JsonObject }[]> {
  try {
    const content = await storage.readAll(manifest, MAX_MANIFEST_BYTES);
    return kind === 'transactions'
      ? decodeTransactionManifest(content).chunks.map((c) => ({
          ...{ ...c, file: c.transactions },
          records: countOf(c.firstVersion, c.lastVersion),
        }))
      : decodeStateSnapshotManifest(content).chunks.map((c) => ({
          ...{ ...c, file: c.blobs },
          records: countOf(c.firstIdx, c.lastIdx),
        }));
  } catch (error) {
    const unreadable =
      error instanceof AptosDataError ||
      isStorageError(error, 'NOT_FOUND', 'NAME_INVALID', 'TOO_LARGE', 'DAMAGED');
    if (unreadable) return [];
    throw error;
  }
}

function countOf(first: bigint, last: bigint): number {
  return Number(last - first) + 1;
}

/**
 * About how many records some backups have. Metadata lines say it of transactions. Of snapshots, the manifests of the
 * oldest and the newest are read; the items of the others are taken to lie between.
 */
async function recordsOf(storage: BackupStorage, units: readonly Listed[]): Promise<number> {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const snapshots = units.filter(({ kind }) => kind === 'state_snapshot');
  const items = await Promise.all(
    [...new Set([snapshots[0], snapshots.at(-1)])].flatMap((unit) =>
      unit ? [chunksOf(storage, unit).then((chunks) => sum(chunks.map((c) => c.records)))] : [],
    ),
  );
  const average = items.length === 0 ? 0 : sum(items) / items.length;
  const versions = units
    .filter(({ kind }) => kind === 'transactions')
    .map(({ first, last }) => countOf(BigInt(first), BigInt(last)));
  return Math.round(sum(versions) + average * snapshots.length);
}

class Page {
  readonly tasks: VerifyTask[] = [];
  private slices = 0;
  private open = { slices: [] as UnitSlice[], bytes: 0, records: 0 };

  isFull(): boolean {
    return this.tasks.length >= PAGE_TASKS || this.slices >= PAGE_SLICES;
  }

  add(kind: Listed['kind'], slice: UnitSlice, bytes: number, records: number): void {
    this.slices += 1;
    if (kind === 'state_snapshot') {
      this.close(); // tasks stay in the order of the units, so that a budget can end at any task
      this.tasks.push({ kind, slice, records });
      return;
    }
    this.open.slices.push(slice);
    this.open.bytes += bytes;
    this.open.records += records;
    if (this.open.bytes >= TASK_BYTES || this.open.slices.length >= TASK_SLICES) this.close();
  }

  close(): void {
    if (this.open.slices.length > 0) {
      const { slices, records } = this.open;
      this.tasks.push({ kind: 'transactions', slices, records });
    }
    this.open = { slices: [], bytes: 0, records: 0 };
  }
}
