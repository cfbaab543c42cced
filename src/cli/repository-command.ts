import type { Latest, ListedBackup } from '../contract/answers/inventory-answers.js';
import type { BackupType } from '../contract/job.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { storageName } from '../contract/storage-name.js';
import { UsageError } from '../client/command-failure.js';
import type { Span } from '../lib/spans.js';
import { MAX_U64, parseU64 } from '../lib/u64.js';
import { readCatalog } from '../repository/catalog.js';
import { openReadable } from '../storage/index/open-readable.js';
import { openStorage } from '../storage/open.js';
import { type BackupFilter, listBackups } from '../upkeep/inventory/list-backups.js';
import { publishIndex } from '../upkeep/inventory/publish-index.js';
import { showBackup } from '../upkeep/inventory/show-backup.js';
import { sourceOf } from '../upkeep/inventory/source.js';
import { storageStats } from '../upkeep/inventory/storage-stats.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { indexedLine, listHead, listRow, shownText, statsText } from './print-inventory.js';
import { print } from './print.js';
import { say } from './say.js';
import { unknownWord } from './typed.js';
import { visible } from '../lib/visible.js';

export interface ListFlags extends CommonFlags {
  kind?: string;
  startVersion?: string;
  endVersion?: string;
  startEpoch?: string;
  endEpoch?: string;
  sizes?: boolean;
}

const MOST_DAMAGED = 20;
/** Rows that are written at once. */
const ROWS = 1000;

/** `repository list`: the backups of a storage. Writes row by row, so that a million of them need no memory. */
export async function listRepository(flags: ListFlags, signal: AbortSignal): Promise<void> {
  const filter = filterOf(flags);
  const storage = await openReadable(storageOf(flags), signal);
  const catalog = await readCatalog(storage);
  const rows = listBackups(storage, catalog, filter, { read: flags.sizes ?? false });
  const now = Date.now();
  if (flags.json) {
    const source = JSON.stringify(sourceOf(storage));
    await write(`${source.slice(0, -1)},"backups":[`);
    await writeRows(rows, (row, first) => `${first ? '' : ','}${JSON.stringify(row)}`);
    await write(`],"damaged":${JSON.stringify(catalog.damaged.slice(0, MOST_DAMAGED))}}\n`);
    return;
  }
  await write(`${indexedLine(storage.indexedAt, now)}${listHead(flags.sizes ?? false)}\n`);
  await writeRows(rows, (row) => `${listRow(row, now, flags.sizes ?? false)}\n`);
  for (const { object, why } of catalog.damaged.slice(0, MOST_DAMAGED)) {
    say(`${object}: ${why}`);
  }
}

/** `repository show`: all about one backup. */
export async function showInRepository(
  backup: string,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<void> {
  const storage = await openReadable(storageOf(flags), signal);
  const shown = await showBackup(storage, await readCatalog(storage), backup);
  if (flags.json) print(JSON.stringify(shown));
  else print(`${indexedLine(storage.indexedAt, Date.now())}${shownText(shown, Date.now())}`);
}

/** `repository stats`: how much there is, how it grows, and what nobody names. */
export async function repositoryStats(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const storage = await openReadable(storageOf(flags), signal);
  const catalog = await readCatalog(storage);
  const stats = await storageStats(storage, catalog, (folders) => {
    if (folders % 10_000 === 0) say(`${folders} folders looked at`);
  });
  if (flags.json) print(JSON.stringify(stats));
  else print(`${indexedLine(storage.indexedAt, Date.now())}${statsText(stats, Date.now())}`);
}

/** `repository index`: publishes the index for those who may not list. */
export async function indexRepository(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const settings = storageOf(flags);
  const latest = await publishIndex(openStorage(settings, signal));
  if (flags.json) print(JSON.stringify(latest));
  else print(indexText(storageName(settings), latest));
}

function indexText(storage: string, latest: Latest): string {
  const { metadata_files: files, index, index_bytes: bytes, at } = latest;
  return `Published ${index} in ${storage}: ${files} metadata files in ${bytes} bytes, as of ${at}, and aptos-backup/latest.json.`;
}

async function writeRows(
  rows: AsyncIterable<ListedBackup>,
  textOf: (row: ListedBackup, first: boolean) => string,
): Promise<void> {
  let ready: string[] = [];
  let first = true;
  for await (const row of rows) {
    ready.push(textOf(row, first));
    first = false;
    if (ready.length < ROWS) continue;
    await write(ready.join(''));
    ready = [];
  }
  await write(ready.join(''));
}

/** Waits until the reader has taken the text. One that is gone gets no more of it. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(visible(text), () => resolve()));
}

/** @throws UsageError */
function filterOf(flags: ListFlags): BackupFilter {
  const { startVersion, endVersion, startEpoch, endEpoch } = flags;
  const beyond = u64(endEpoch, '--end-epoch');
  if (beyond === 0n)
    throw new UsageError(
      '--end-epoch is the first epoch that is left out, so it must be at least 1',
    );
  return {
    kinds: flags.kind === undefined ? undefined : [kindOf(flags.kind)],
    versions: spanOf(u64(startVersion, '--start-version'), u64(endVersion, '--end-version')),
    epochs: spanOf(u64(startEpoch, '--start-epoch'), beyond && beyond - 1n),
  };
}

function spanOf(first: bigint | undefined, last: bigint | undefined): Span | undefined {
  if (first === undefined && last === undefined) return undefined;
  const span = { first: first ?? 0n, last: last ?? MAX_U64 };
  if (span.first <= span.last) return span;
  throw new UsageError(`nothing lies between ${span.first} and ${span.last}`);
}

function u64(text: string | undefined, flag: string): bigint | undefined {
  if (text === undefined) return undefined;
  const value = parseU64(text);
  if (value !== undefined) return value;
  throw new UsageError(`${flag} must be a whole number from 0 to 2^64-1, not "${text}"`);
}

function kindOf(text: string): BackupType {
  const kind = BACKUP_TYPES.find((one) => one === text.replaceAll('-', '_'));
  if (kind) return kind;
  const known = BACKUP_TYPES.map((one) => one.replaceAll('_', '-'));
  throw unknownWord('--kind', text, known);
}
