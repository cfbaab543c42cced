import { MAX_MANIFEST_BYTES, type MetadataLine, metadataFileName } from '../../aptos/index.js';
import { BackupError } from '../../errors/backup-error.js';
import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { CopyOutcome, CopyUnit } from '../../contract/copying.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type CommitLock, withCommitLock } from '../../repository/commit-lock.js';
import {
  type BackupEntry,
  type Catalog,
  type TransactionEntry,
  entriesOf,
  readKnownOrNone,
  spanOfEntry,
} from '../../repository/catalog.js';
import { meet, without } from '../../lib/spans.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import { readPins } from '../../repository/kept.js';
import type { Holder } from '../../repository/lease.js';
import { MAX_METADATA_BYTES } from '../../repository/metadata-file.js';
import { claimOf, requireNoOverlap } from '../../repository/overlap.js';
import {
  publishManifest,
  publishMetadata,
  withdrawMetadata,
} from '../../repository/publish-unit.js';
import { isStored, readOwn } from '../../repository/stored-file.js';
import { isAbandoned, noteCommitted } from '../../repository/unit-folder.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { folderOf } from '../../repository/proven-record.js';
import type { CopyEnds } from './copy-ends.js';
import { type Whole, requireWholeCopy } from './copy-whole.js';
import { entryOfUnit } from './copy-unit.js';
import { beingRemoved } from './copy-plan.js';
import { ROOT_MARK, chunkMark } from './copy-marks.js';
import { requirePrepared } from './prepare-target.js';
import { areWithin } from './target-has.js';
import { type TransactionLine, swapLines } from '../consolidate/swap-lines.js';

const AT_ONCE = 16;
/** As of a consolidation: whoever reads the small backups now can finish. */
const GRACE_MS = 7 * 24 * 60 * 60_000;

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
      // Listed once for all of them: a listing of a hundred thousand files takes a second or more.
      let now = await readKnownOrNone(ends.to);
      const lines: MetadataLine[] = [];
      for (const { index, unit, copied } of whole) {
        const line = entryOfUnit(unit);
        const ready = { unit, line, copied, now, lock, report };
        const { outcome, swapped } = await commitOne(ends, ready);
        outcomes[index] = outcome;
        if (outcome === 'committed') lines.push(line);
        if (swapped) now = await readKnownOrNone(ends.to);
        else if (outcome === 'committed') now = withLine(now, line, metadataHandle(unit));
      }
      if (lines.length > 0) await rememberMetadata(ends.to, now, ...lines);
    });
  }
  for (const [index, unit] of units.entries()) {
    if (outcomes[index] === 'committed') await tidy(ends.to, unit);
  }
  return outcomes;
}

/** Whether an earlier attempt has committed it. A line may also be left of a backup whose data is gone. */
async function isCommitted(to: BackupStorage, unit: CopyUnit): Promise<boolean> {
  const bytes = await readOwn(to, metadataHandle(unit), MAX_METADATA_BYTES);
  const isNamed = bytes !== undefined && Buffer.from(bytes).toString('utf8') === unit.line;
  return isNamed && isStored(to, unit.manifest);
}

function metadataHandle(unit: CopyUnit): string {
  return `metadata/${metadataFileName(entryOfUnit(unit))}`;
}

interface Ready {
  unit: CopyUnit;
  line: MetadataLine & { manifest: string };
  copied: Whole;
  /** What the target's metadata names now. */
  now: Catalog;
  lock: CommitLock;
  report: (phase: string) => void;
}

/** `swapped`: smaller backups are now in other metadata files than before, or it took their place. */
async function commitOne(
  { from, to }: CopyEnds,
  { unit, line, copied, now, lock, report }: Ready,
): Promise<{ outcome: CopyOutcome; swapped?: boolean }> {
  const claim = claimOf(line);
  const held = () => lock.requireHeld();
  try {
    const refused = await whyNotNow(to, unit);
    if (refused) return { outcome: refused };
    if (await isHeldByOthers(to, now, unit, line)) return { outcome: 'there' };
    const small = await smallOnesIn(to, now, line);
    if (claim && small.length === 0) await requireNoOverlap(to, claim, now);
    const manifest = await from.readAll(unit.manifest, MAX_MANIFEST_BYTES);
    if (!copied.isManifest(manifest)) return { outcome: 'again' };
    await held();
    const name = unit.manifest.slice(folderOf(unit).length + 1);
    await publishManifest(to, folderOf(unit), name, manifest, held);
    await held();
    if (small.length > 0 && line.type === 'TransactionBackup') {
      const stays = await swapUnlessStuck(to, line, small, { report, requireHeld: held });
      if (stays !== undefined) return { outcome: overlap(unit, stays), swapped: true };
    } else {
      await publishMetadata(to, line);
    }
    await requireStillAlone(to, line, lock);
    return { outcome: 'committed', swapped: small.length > 0 };
  } catch (error) {
    return { outcome: refusal(unit, error) };
  }
}

/**
 * Puts the line of a backup in the place of smaller ones. Returns why these stay, if they do: then every line of them is
 * still there, as after a consolidation that cannot retire anything, and all other backups are copied.
 */
async function swapUnlessStuck(
  to: BackupStorage,
  line: TransactionLine,
  small: readonly TransactionEntry[],
  tools: { report: (phase: string) => void; requireHeld: () => Promise<void> },
): Promise<string | undefined> {
  const retiredAt = await to.now();
  const times = { retiredAt, notBefore: retiredAt + GRACE_MS };
  try {
    await swapLines(line, small, { storage: to, times, ...tools });
    return undefined;
  } catch (error) {
    if (!isStorageError(error, 'DENIED', 'EXISTS_DIFFERENT', 'DAMAGED')) throw error;
    return `the target has ${small[0]!.manifest}, which holds a part of it, and that could not be retired: ${error.message}`;
  }
}

/**
 * Whether larger backups hold all of it: of a source that has both, the larger one was committed first. A line whose
 * manifest is gone does not count.
 */
async function isHeldByOthers(
  to: BackupStorage,
  now: Catalog,
  { type, manifest }: CopyUnit,
  line: MetadataLine,
): Promise<boolean> {
  const claim = claimOf(line);
  if (!claim) return false;
  const others = entriesOf(now, type).filter(
    (one) => one.manifest !== manifest && meet(spanOfEntry(one), claim),
  );
  const isHeldBy = (some: readonly BackupEntry[]) =>
    without([claim], some.map(spanOfEntry)).length === 0;
  if (!isHeldBy(others)) return false;
  const stored: BackupEntry[] = [];
  await forEachAtOnce(AT_ONCE, others, async (one) => {
    if (await isStored(to, one.manifest)) stored.push(one);
  });
  return isHeldBy(stored);
}

/** A catalog with one more line, which is in a file of its own. */
function withLine(catalog: Catalog, line: MetadataLine, source: string): Catalog {
  const { epochEndings, transactions, snapshots } = catalog;
  switch (line.type) {
    case 'EpochEndingBackup':
      return { ...catalog, epochEndings: [...epochEndings, { ...line, source }] };
    case 'TransactionBackup':
      return { ...catalog, transactions: [...transactions, { ...line, source }] };
    case 'StateSnapshotBackup':
      return { ...catalog, snapshots: [...snapshots, { ...line, source }] };
    default:
      return catalog;
  }
}

/**
 * A gc may have taken the folder for garbage since we looked: one that the target retired. It marks a folder under the
 * commit lock, and removes our marks before its own. So under that lock what is seen here stays true.
 */
async function whyNotNow(to: BackupStorage, unit: CopyUnit): Promise<CopyOutcome | undefined> {
  const { manifest, type } = unit;
  const folder = folderOf(unit);
  if (await isAbandoned(to, folder)) {
    return { skipped: { manifest, ...beingRemoved(to, folder) } };
  }
  const mark = type === 'state_snapshot' ? ROOT_MARK : chunkMark(0);
  if ((await to.stat(`${folder}/${mark}`)) !== undefined) return undefined;
  // Another copy of this source was faster, or all of it is gone.
  return (await isCommitted(to, unit)) ? undefined : 'again';
}

/**
 * Smaller backups of the target in the range of a transaction backup, of which the source has made this one. None if one
 * of them is pinned: then they stay, and the larger one is refused.
 */
async function smallOnesIn(
  to: BackupStorage,
  { transactions }: Catalog,
  line: MetadataLine,
): Promise<TransactionEntry[]> {
  if (line.type !== 'TransactionBackup' || to.byNameOnly) return [];
  const span = { first: line.firstVersion, last: line.lastVersion };
  const here = transactions.filter(
    (one) => one.manifest !== line.manifest && meet(spanOfEntry(one), span),
  );
  const isTwin = ({ firstVersion, lastVersion }: TransactionEntry) =>
    firstVersion === span.first && lastVersion === span.last;
  if (here.some(isTwin) || !areWithin(here, span)) return [];
  const pins = await readPins(to, here.map(folderOf));
  return here.some((one) => pins.has(folderOf(one))) ? [] : here;
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
  return overlap({ manifest }, error.message);
}

function overlap({ manifest }: Pick<CopyUnit, 'manifest'>, why: string): { skipped: Skipped } {
  return { skipped: { manifest, object: manifest, code: 'OVERLAP', why } };
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
