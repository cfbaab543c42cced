import { createHash } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import {
  MAX_MANIFEST_BYTES,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
} from '../aptos/files/manifest.js';
import type { JsonObject } from '../aptos/files/json.js';
import { type Catalog, readCatalog } from '../catalog/catalog.js';
import type {
  UnitSlice,
  VerifyCursor,
  VerifyPage,
  VerifyScope,
  VerifyTask,
} from '../plan/verify.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';
import { VerifyError } from './errors.js';
import { sizeOf } from './stored-records.js';

/** Small backups share a task until it has so much to read; large ones are cut. */
const TASK_BYTES = 256 * 1024 * 1024;
const TASK_SLICES = 24;
/** Bounds what a page weighs in a payload. */
const PAGE_TASKS = 60;
const PAGE_SLICES = 300;
const SIZES_IN_FLIGHT = 16;

/**
 * The next tasks of a verification, from what the storage holds now. Never writes.
 * @throws VerifyError NOTHING_TO_VERIFY for a storage without backups, StorageError STORAGE_MISSING
 */
export async function nextTasks(
  storage: BackupStorage,
  scope: VerifyScope,
  cursor: VerifyCursor | undefined,
  signal?: AbortSignal,
): Promise<VerifyPage> {
  const catalog = await readCatalog(storage, signal);
  const { epochEndings, transactions, snapshots } = catalog;
  if (epochEndings.length + transactions.length + snapshots.length === 0) {
    const damaged = catalog.damaged[0];
    throw new VerifyError(
      `${storage.description} holds no backups${damaged ? ` that can be read: ${damaged.object}: ${damaged.why}` : ''}; is this the right place?`,
    );
  }
  const frozen = freeze(catalog, scope);
  const units = unitsOf(catalog, { ...scope, ...frozen });
  const start = cursor === undefined ? 0 : indexOf(units, cursor);
  const page = new Page();
  if (cursor === undefined) page.tasks.push({ kind: 'epoch_endings' });
  for (const unit of units.slice(start)) {
    const from = unit.manifest === cursor?.manifest ? cursor.from : 0;
    for await (const { slice, bytes } of slicesOf(storage, unit, from, signal)) {
      if (page.isFull()) {
        page.close();
        return { tasks: page.tasks, frozen, next: cursorOf(unit, slice) };
      }
      page.add(unit.kind, slice, bytes);
    }
  }
  page.close();
  return { tasks: page.tasks, frozen };
}

interface Listed {
  kind: 'transactions' | 'state_snapshot';
  source: string;
  manifest: string;
  first: string;
  last: string;
}

function freeze({ transactions, snapshots }: Catalog, scope: VerifyScope): VerifyPage['frozen'] {
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
  return [...transactions, ...snapshots].filter((unit) => isSampled(unit, scope));
}

/** Which part of a sample a backup belongs to follows from its manifest's name alone. */
function isSampled({ manifest }: Listed, { sample, percent }: VerifyScope): boolean {
  if (!sample && percent === undefined) return true;
  const number = createHash('sha256').update(manifest).digest().readUInt32BE(0);
  if (sample) return number % sample.of === sample.part - 1;
  return number < (percent! / 100) * 2 ** 32;
}

function cursorOf({ kind, first, manifest }: Listed, { from }: UnitSlice): VerifyCursor {
  return { kind, first, manifest, from };
}

/** Where a cursor points, also when the storage has changed meanwhile. */
function indexOf(units: readonly Listed[], cursor: VerifyCursor): number {
  const rank = (kind: string) => (kind === 'state_snapshot' ? 1 : 0);
  const found = units.findIndex((unit) => {
    if (unit.kind !== cursor.kind) return rank(unit.kind) > rank(cursor.kind);
    const [a, b] = [BigInt(unit.first), BigInt(cursor.first)];
    return a === b ? unit.manifest >= cursor.manifest : a > b;
  });
  return found === -1 ? units.length : found;
}

/** The slices of a backup, from chunk `from` on; sizes are looked for no further than is read. */
async function* slicesOf(
  storage: BackupStorage,
  unit: Listed,
  from: number,
  signal?: AbortSignal,
): AsyncGenerator<{ slice: UnitSlice; bytes: number }> {
  const { kind: _, ...fields } = unit;
  const chunks = await chunksOf(storage, unit, signal);
  const of = chunks.length;
  // A manifest that cannot be read is still a task: it tells why.
  if (of === 0) yield { slice: { ...fields, from: 0, to: 0, of }, bytes: 0 };
  let bytes = 0;
  let begin = from;
  for (let i = from; i < of; i += SIZES_IN_FLIGHT) {
    signal?.throwIfAborted();
    const some = chunks.slice(i, i + SIZES_IN_FLIGHT);
    const sizes = await Promise.all(
      some.map(async ({ file, extra }) => extra?.['bytes'] ?? sizeOf(storage, file)),
    );
    for (const [n, size] of sizes.entries()) {
      const to = i + n + 1;
      bytes += Number(size);
      if (bytes < TASK_BYTES && to < of) continue;
      yield { slice: { ...fields, from: begin, to, of }, bytes };
      [begin, bytes] = [to, 0];
    }
  }
}

/** The chunks that a manifest names; none when it cannot be read. */
async function chunksOf(
  storage: BackupStorage,
  { kind, manifest }: Listed,
  signal?: AbortSignal,
): Promise<{ file: string; extra?: JsonObject }[]> {
  try {
    const content = await storage.readAll(manifest, MAX_MANIFEST_BYTES, signal);
    return kind === 'transactions'
      ? decodeTransactionManifest(content).chunks.map((c) => ({ ...c, file: c.transactions }))
      : decodeStateSnapshotManifest(content).chunks.map((c) => ({ ...c, file: c.blobs }));
  } catch (error) {
    const unreadable =
      error instanceof AptosDataError ||
      (error instanceof StorageError &&
        ['NOT_FOUND', 'NAME_INVALID', 'TOO_LARGE'].includes(error.code));
    if (unreadable) return [];
    throw error;
  }
}

class Page {
  readonly tasks: VerifyTask[] = [];
  private slices = 0;
  private open: { slices: UnitSlice[]; bytes: number } = { slices: [], bytes: 0 };

  isFull(): boolean {
    return this.tasks.length >= PAGE_TASKS || this.slices >= PAGE_SLICES;
  }

  add(kind: Listed['kind'], slice: UnitSlice, bytes: number): void {
    this.slices += 1;
    if (kind === 'state_snapshot') {
      this.tasks.push({ kind, slice });
      return;
    }
    this.open.slices.push(slice);
    this.open.bytes += bytes;
    if (this.open.bytes >= TASK_BYTES || this.open.slices.length >= TASK_SLICES) this.close();
  }

  close(): void {
    if (this.open.slices.length > 0) {
      this.tasks.push({ kind: 'transactions', slices: this.open.slices });
    }
    this.open = { slices: [], bytes: 0 };
  }
}
