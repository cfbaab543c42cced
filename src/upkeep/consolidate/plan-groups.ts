import type { ConsolidationPage } from '../../contract/consolidation.js';
import type { Span } from '../../lib/spans.js';
import { readCatalog, readKnownCatalog } from '../../repository/catalog.js';
import { withCommitLock, withUpkeepLock } from '../../repository/commit-lock.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import { readMetadataFile } from '../../repository/metadata-file.js';
import { StorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { CommitGroupTools } from './commit-group.js';
import { groupsOf } from './groups.js';
import { type TransactionLine, isSwapFile, isSwapOf, settleSwap } from './swap-lines.js';

/** These limits keep a page and the history small. */
const PAGE_GROUPS = 40;
const PAGE_LEFT = 20;

/**
 * The next page of batches that can be consolidated, from version `from` on. Reads metadata alone.
 * @throws StorageError STORAGE_UNFIT for a storage that can remove nothing; CatalogError
 */
export async function planGroups(
  storage: BackupStorage,
  batchSize: bigint,
  from: bigint,
): Promise<ConsolidationPage> {
  if (storage.byNameOnly) {
    const why = `${storage.description} removes no files, so a consolidation would only store everything twice; give the bucket itself as --storage`;
    throw new StorageError('STORAGE_UNFIT', '', why);
  }
  const { transactions } = await readKnownCatalog(storage);
  const { groups, left } = groupsOf(transactions, batchSize);
  const page = groups.filter(({ first }) => first >= from).slice(0, PAGE_GROUPS);
  const more = groups.filter(({ first }) => first > (page.at(-1)?.first ?? from));
  const next = page.length < PAGE_GROUPS ? undefined : more[0]?.first;
  const upTo = (at: Span) => at.first >= from && (next === undefined || at.first < next);
  const here = left.filter(upTo);
  return {
    groups: page.map(({ first, last, parts }) => {
      return { first: `${first}`, last: `${last}`, backups: parts.length };
    }),
    left: here
      .slice(0, PAGE_LEFT)
      .map((one) => ({ ...one, first: `${one.first}`, last: `${one.last}` })),
    leftCount: here.length,
    ...(next === undefined ? {} : { next: `${next}` }),
  };
}

/** Ends exchanges of metadata lines that broke off after the full line was there. Does nothing when there are none. */
export async function settleSwaps(
  storage: BackupStorage,
  tools: Omit<CommitGroupTools, 'storage' | 'graceMs'>,
): Promise<void> {
  const left = (await storage.listMetadata()).filter(isSwapFile);
  for (const handle of left) {
    const line = await fullLineIn(storage, handle);
    if (!line) continue; // it still holds the small lines: their batch is consolidated again
    await withUpkeepLock(storage, tools.holder, tools, () =>
      withCommitLock(storage, tools.holder, tools, async (lock) => {
        if (!(await fullLineIn(storage, handle))) return;
        const requireHeld = () => lock.requireHeld();
        await rememberMetadata(storage, await readCatalog(storage), line);
        await settleSwap(line, { storage, requireHeld });
      }),
    );
  }
}

async function fullLineIn(
  storage: BackupStorage,
  handle: string,
): Promise<TransactionLine | undefined> {
  const file = await readMetadataFile(storage, handle);
  const [line, ...more] = file?.lines ?? [];
  const isOne = more.length === 0 && file?.errors.length === 0;
  if (!isOne || line?.type !== 'TransactionBackup') return undefined;
  return isSwapOf(handle, line) ? line : undefined;
}
