import { MAX_MANIFEST_BYTES, type MetadataLine, metadataFileName } from '../../aptos/index.js';
import { BackupError } from '../../errors/backup-error.js';
import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { CopyOutcome, CopyUnit } from '../../contract/copying.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type CommitLock, withCommitLock } from '../../repository/commit-lock.js';
import { readKnownOrNone } from '../../repository/catalog.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import type { Holder } from '../../repository/lease.js';
import { MAX_METADATA_BYTES } from '../../repository/metadata-file.js';
import { claimOf, requireNoOverlap } from '../../repository/overlap.js';
import {
  publishManifest,
  publishMetadata,
  withdrawMetadata,
} from '../../repository/publish-unit.js';
import { readOwn } from '../../repository/stored-file.js';
import { noteCommitted } from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import { folderOf } from '../../repository/proven-record.js';
import type { CopyEnds } from './copy-ends.js';
import { type Whole, requireWholeCopy } from './copy-whole.js';
import { entryOfUnit } from './copy-unit.js';
import { requirePrepared } from './prepare-target.js';

const AT_ONCE = 16;

export interface CommitTools {
  ends: CopyEnds;
  /** The chain of both storages. */
  genesis: string | undefined;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
}

/**
 * Commits backups whose chunks are all copied: checks that each is whole and proven, and then, under the commit lock,
 * writes manifest and metadata line. Says how it ended for each.
 */
export async function commitCopies(
  tools: CommitTools,
  units: readonly CopyUnit[],
): Promise<CopyOutcome[]> {
  const { ends, genesis, holder, signal, report } = tools;
  const outcomes: CopyOutcome[] = [];
  const whole: { index: number; unit: CopyUnit; copied: Whole }[] = [];
  for (const [index, unit] of units.entries()) {
    report(`read marks of ${index} of ${units.length} backups`);
    if (await isCommitted(ends.to, unit)) {
      outcomes[index] = 'committed';
      continue;
    }
    const copied = await requireWholeCopy(ends, unit);
    if (typeof copied === 'string' || 'skipped' in copied) outcomes[index] = copied;
    else whole.push({ index, unit, copied });
  }
  if (whole.length > 0) {
    await withCommitLock(ends.to, holder, { signal, report }, async (lock) => {
      report('writing manifests and metadata lines');
      await requirePrepared(ends.to, genesis);
      const before = await readKnownOrNone(ends.to);
      const lines: MetadataLine[] = [];
      for (const { index, unit, copied } of whole) {
        const line = entryOfUnit(unit);
        const outcome = await commitOne(ends, { unit, line, copied, lock });
        outcomes[index] = outcome;
        if (outcome === 'committed') lines.push(line);
      }
      if (lines.length > 0) await rememberMetadata(ends.to, before, ...lines);
    });
  }
  for (const [index, unit] of units.entries()) {
    if (outcomes[index] === 'committed') await tidy(ends.to, unit);
  }
  return outcomes;
}

/** Whether an earlier attempt has written the metadata line. */
async function isCommitted(to: BackupStorage, unit: CopyUnit): Promise<boolean> {
  const bytes = await readOwn(to, metadataHandle(unit), MAX_METADATA_BYTES);
  return bytes !== undefined && Buffer.from(bytes).toString('utf8') === unit.line;
}

function metadataHandle(unit: CopyUnit): string {
  return `metadata/${metadataFileName(entryOfUnit(unit))}`;
}

interface Ready {
  unit: CopyUnit;
  line: MetadataLine & { manifest: string };
  copied: Whole;
  lock: CommitLock;
}

async function commitOne(
  { from, to }: CopyEnds,
  { unit, line, copied, lock }: Ready,
): Promise<CopyOutcome> {
  const claim = claimOf(line);
  const held = () => lock.requireHeld();
  try {
    if (claim) await requireNoOverlap(to, claim);
    const manifest = await from.readAll(unit.manifest, MAX_MANIFEST_BYTES);
    if (!copied.isManifest(manifest)) return 'again';
    await held();
    const name = unit.manifest.slice(folderOf(unit).length + 1);
    await publishManifest(to, folderOf(unit), name, manifest, held);
    await held();
    await publishMetadata(to, line);
    await requireStillAlone(to, line, lock);
    return 'committed';
  } catch (error) {
    return refusal(unit, error);
  }
}

/**
 * The write may have hung until another host took the lock and committed. Adapters have no real lock: two hosts may
 * hold it at once.
 */
async function requireStillAlone(
  to: BackupStorage,
  line: MetadataLine,
  lock: CommitLock,
): Promise<void> {
  const claim = claimOf(line);
  try {
    const isHeld = await lock.requireHeld().then(
      () => !to.byNameOnly,
      () => false,
    );
    if (claim && !isHeld) await requireNoOverlap(to, claim);
  } catch (error) {
    await withdrawMetadata(to, line);
    throw error;
  }
}

/** What another backup in the target means for this one. @throws any other error */
function refusal({ manifest }: CopyUnit, error: unknown): CopyOutcome {
  if (!(error instanceof BackupError)) throw error;
  if (error.code === 'RANGE_COMMITTED') return 'there';
  if (error.code !== 'RANGE_OVERLAP') throw error;
  const skipped: Skipped = { manifest, object: manifest, code: 'OVERLAP', why: error.message };
  return { skipped };
}

/** Leaves beside a committed backup only what says that it is committed. */
async function tidy(to: BackupStorage, unit: CopyUnit): Promise<void> {
  const folder = folderOf(unit);
  await noteCommitted(to, folder, metadataHandle(unit));
  if (to.byNameOnly) return;
  const files = await to.listFolder(folder);
  const marks = files.filter(({ handle }) => handle.endsWith('.copied'));
  await forEachAtOnce(AT_ONCE, marks, async ({ handle }) => {
    await to.removeFileIfAllowed(handle);
  });
}
