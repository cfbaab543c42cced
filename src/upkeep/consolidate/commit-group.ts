import { encodeTransactionManifest, TRANSACTION_MANIFEST } from '../../aptos/index.js';
import type { CommittedGroup, ConsolidatedGroup } from '../../contract/consolidation.js';
import { UnitIncomplete } from '../../errors/backup-error.js';
import type { Span } from '../../lib/spans.js';
import { type CommitLock, withCommitLock, withUpkeepLock } from '../../repository/commit-lock.js';
import type { Holder } from '../../repository/lease.js';
import { publishManifest } from '../../repository/publish-unit.js';
import { type TransactionReceipt, voidReceipt } from '../../repository/receipt.js';
import { receiptsOfUnit } from '../../repository/receipts-of-unit.js';
import { misfits } from '../../repository/misfits.js';
import { transactionLineOf, transactionManifestOf } from '../../repository/transaction-manifest.js';
import { requireOpenUnit } from '../../repository/unit-folder.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { chainProofs, leastProven } from '../../trust/proven.js';
import { readGroup } from './batch-entries.js';
import type { Group } from './groups.js';
import { digestOfParts } from './proofs-file.js';
import { retireParts, swapLines } from './swap-lines.js';

export interface CommitGroupTools {
  storage: BackupStorage;
  holder: Holder;
  /** How long the folders of the small backups stay. */
  graceMs: number;
  signal: AbortSignal;
  report: (phase: string) => void;
}

type Stored = Extract<ConsolidatedGroup, { status: 'stored' }>;
type Whole = Extract<ConsolidatedGroup, { status: 'whole' }>;

/**
 * Commits a full batch whose chunks are stored, and retires the small backups that it holds. The folders of these
 * stay for the grace time. @throws UnitIncomplete when a chunk is missing or was changed
 */
export async function commitGroup(
  batch: Span,
  group: Stored | Whole,
  tools: CommitGroupTools,
): Promise<CommittedGroup> {
  const made = group.status === 'stored' ? await manifestOf(group, tools) : undefined;
  const { storage, holder } = tools;
  try {
    return await withUpkeepLock(storage, holder, tools, () =>
      withCommitLock(storage, holder, tools, async (lock) => {
        const now = await readGroup(storage, batch);
        if (now === undefined) return { status: 'nothing to do' };
        if ('why' in now) return { status: 'left', why: now.why };
        if (digestOfParts(now.parts) !== group.of) {
          return { status: 'left', why: 'its backups have changed meanwhile; run it again' };
        }
        return made ? exchange(made, now, lock, tools) : retire(now, lock, tools);
      }),
    );
  } catch (error) {
    // Both leave a storage in which every line is still there.
    if (!isStorageError(error, 'DENIED', 'EXISTS_DIFFERENT', 'DAMAGED')) throw error;
    return { status: 'left', why: error.message };
  }
}

interface Made {
  folder: string;
  manifest: ReturnType<typeof transactionManifestOf>;
  receipts: readonly TransactionReceipt[];
}

/** The manifest of the full batch, from receipts whose files are still what was proven. */
async function manifestOf({ unit }: Stored, { storage, report }: CommitGroupTools): Promise<Made> {
  const receipts = await receiptsOfUnit<'transaction'>(storage, unit, () => report('receipts'));
  const wrong = misfits(receipts);
  for (const receipt of wrong) await voidReceipt(storage, unit.folder, receipt);
  if (wrong.size > 0) {
    const why = `${wrong.size} chunks of ${unit.folder} are each proven but do not fit together`;
    throw new UnitIncomplete(why, [0]);
  }
  const proven = chainProofs(receipts.map((receipt) => receipt.proven));
  const manifest = transactionManifestOf(unit.folder, receipts, proven, leastProven(proven));
  return { folder: unit.folder, manifest, receipts };
}

/** When the folders of retired backups may go, by the storage's clock. */
async function timesOf({ storage, graceMs }: CommitGroupTools) {
  const retiredAt = await storage.now();
  return { retiredAt, notBefore: retiredAt + graceMs };
}

async function exchange(
  { folder, manifest, receipts }: Made,
  now: Group,
  lock: CommitLock,
  tools: CommitGroupTools,
): Promise<CommittedGroup> {
  const { storage, report } = tools;
  if (now.whole) return retire(now, lock, tools); // another attempt has committed it
  await requireOpenUnit(storage, folder);
  report('writing the manifest');
  await storage.removeLeftovers(folder, 'all');
  const requireHeld = () => lock.requireHeld();
  await requireHeld();
  const bytes = encodeTransactionManifest(manifest);
  await publishManifest(storage, folder, TRANSACTION_MANIFEST, bytes, requireHeld);
  report('exchanging the metadata lines');
  const line = transactionLineOf(folder, manifest);
  const times = await timesOf(tools);
  await swapLines(line, now.parts, { storage, report, requireHeld, times });
  return {
    status: 'committed',
    manifest: line.manifest,
    backups: now.parts.length,
    chunks: receipts.length,
    bytes: receipts.reduce((sum, { chunk }) => sum + chunk.bytes, 0),
  };
}

/** The full batch is committed and proven: only the small lines are retired. */
async function retire(
  { whole, parts }: Group,
  lock: CommitLock,
  tools: CommitGroupTools,
): Promise<CommittedGroup> {
  const requireHeld = () => lock.requireHeld();
  const times = await timesOf(tools);
  const { manifest } = whole!;
  await requireHeld();
  const { storage, report } = tools;
  await retireParts(manifest, parts, { storage, report, requireHeld, times });
  return { status: 'committed', manifest, backups: parts.length, chunks: 0, bytes: 0 };
}
