import { CHAIN_FILE, storedAnchor } from '../repository/chain-file.js';
import { prunedSpans } from '../repository/pruned.js';
import { restoreSourceOf } from '../repository/restore-source.js';
import { type Catalog, readCatalog, readKnownOrNone } from '../repository/catalog.js';
import { CatalogError } from '../repository/catalog-error.js';
import { restorable } from '../contract/restorable.js';
import { addUnusable } from '../contract/unusable.js';
import type { VerifyEnding, VerifyScope } from '../contract/verification.js';
import { AGAIN_REASONS } from '../contract/verify-again.js';
import {
  type VerifyTotals,
  cutSnapshots,
  isCut,
  isOpen,
  openPieces,
} from '../contract/verify-totals.js';
import { METADATA } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { metadataFindings } from './metadata-findings.js';
import { isUnusable, missingOf } from './missing.js';
import { lookAtAll, readSoFar, whatIsLeft } from './read-so-far.js';
import { joinedRuns, proveByTransactions, unsignedFindings } from '../contract/unsigned-history.js';
import { findUnreferenced } from './unreferenced.js';
import type { Coverage, Finding } from '../contract/answers/verify-answers.js';

const MOST_LISTED = 200;

/**
 * The coverage statement at the end of a verification: what is stored, proven, missing and damaged.
 * `docs/formats.md`, Verification, has the codes of findings. @throws StorageError
 */
export async function concludeCoverage(
  storage: BackupStorage,
  scope: VerifyScope,
  totals: VerifyTotals,
  ending: VerifyEnding,
): Promise<Coverage> {
  const { begunAt, stopped } = ending;
  const { catalog, findings: ofMetadata } = await settledMetadata(storage);
  const complete = !stopped && isWhole(scope);
  const { epochs, snapshots } = proveByTransactions(totals);
  const unproven = awaited(
    [
      ...noteUnproven(totals, catalog, complete, stopped !== undefined),
      // A partial verification may leave out the transactions that would prove unsigned history.
      ...(complete ? unsignedFindings(epochs, snapshots) : []),
    ],
    totals.awaits,
  );
  const { unusable, objects, skipped } = totals;
  const isDamaged = isUnusable(unusable);
  const found = await findUnreferenced(storage, catalog, isDamaged);
  const anchor = found.ours ? await anchorFindings(storage, totals.genesis) : [];
  const looks = await lookAtAll(storage, catalog, found.files);
  const unlisted = found.lost.length > 0 ? [] : await unlistedFindings(storage);
  const storageWide = [...ofMetadata, ...found.lost, ...unlisted, ...anchor];
  const findings = [...storageWide, ...totals.findings, ...unproven];
  const count = storageWide.length + totals.findingCount + unproven.length;
  const missing = missingOf(catalog, scope, totals, await prunedSpans(storage));
  return {
    ok: count === 0 && missing.missing_count === 0 && objects + skipped > 0,
    storage: storage.description,
    as_of: new Date(begunAt).toISOString(),
    complete,
    stopped:
      stopped && (await whatIsLeft(storage, catalog, scope, totals, { ...ending, stopped }, looks)),
    genesis: totals.genesis,
    genesis_confirmed: totals.genesisConfirmed,
    epoch_endings: joinedRuns(epochs),
    ...provenOf(totals, snapshots),
    ...missing,
    restorable_by_stock: restorable(restoreSourceOf(catalog, isDamaged)),
    findings: findings.slice(0, MOST_LISTED),
    finding_count: count,
    orphans: found.orphans.slice(0, MOST_LISTED),
    orphan_count: found.orphans.length,
    checked: checkedOf(totals),
    read_so_far: readSoFar(looks),
  };
}

/**
 * What the metadata names. A look in which a consolidation exchanges lines can show both the old ones and the new one:
 * an overlap counts only when a second look shows it, too.
 */
async function settledMetadata(storage: BackupStorage) {
  const look = async () => {
    const catalog = await readCatalog(storage);
    return { catalog, findings: metadataFindings(catalog) };
  };
  const first = await look();
  return first.findings.some(({ code }) => code === 'OVERLAP') ? look() : first;
}

/** Transactions and snapshots, and how each is proven. */
function provenOf(totals: VerifyTotals, snapshots: VerifyTotals['snapshots']) {
  return {
    transactions: totals.pieces.map(({ first, last, proven }) => ({ first, last, proven })),
    transactions_count: totals.pieces.length + totals.unlistedPieces,
    state_snapshots: snapshots
      .map(({ epoch, version, manifest, proven }) => ({ epoch, version, manifest, proven }))
      .sort((a, b) => Number(BigInt(a.version) - BigInt(b.version))),
    state_snapshots_count: totals.snapshots.length + totals.unlistedSnapshots,
  };
}

function checkedOf(totals: VerifyTotals): Coverage['checked'] {
  const { records, bytes, objects, skipped } = totals;
  return { records, bytes, objects, proven_before: skipped, read_again: readAgainOf(totals) };
}

/** How many files were read again, by reason; reasons that did not occur are left out. */
function readAgainOf({ readAgain }: VerifyTotals): Coverage['checked']['read_again'] {
  const met = AGAIN_REASONS.filter((reason) => readAgain[reason] > 0);
  return Object.fromEntries(met.map((reason) => [reason, readAgain[reason]]));
}

/** Metadata that was there before and is not listed any more, which may be the fault of the listing alone. */
async function unlistedFindings(storage: BackupStorage): Promise<Finding[]> {
  try {
    await readKnownOrNone(storage);
    return [];
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return [{ object: METADATA, code: 'MISSING', why: error.message }];
  }
}

/** Checks the chain file. Our tool writes it before any backup, so it must be there where we wrote. */
async function anchorFindings(
  storage: BackupStorage,
  genesis: string | undefined,
): Promise<Finding[]> {
  const damaged = (why: string): Finding[] => [{ object: CHAIN_FILE, code: 'DAMAGED', why }];
  const named = await storedAnchor(storage);
  if (named === undefined) {
    const why = 'it says which chain the storage belongs to, and is gone';
    return [{ object: CHAIN_FILE, code: 'MISSING', why }];
  }
  if (named === 'damaged') {
    return damaged('it says which chain the storage belongs to, and cannot be read');
  }
  if (genesis === undefined || named.genesis === genesis) return [];
  return damaged(`it names genesis ${named.genesis}, the stored epoch ending 0 is ${genesis}`);
}

function isWhole(scope: VerifyScope): boolean {
  const { startVersion, endVersion, snapshots, snapshotBefore, sample, percent } = scope;
  const all = startVersion === '0' && endVersion === undefined && snapshots === 'every';
  return all && !sample && percent === undefined && snapshotBefore === undefined;
}

/**
 * Transactions and snapshots that are sound, but that nothing proves. A partial verification does not report
 * those whose proof it may have left out: the next backup of transactions, or chunks that it did not reach.
 */
function noteUnproven(
  { pieces, snapshots, unusable, awaits }: VerifyTotals,
  { transactions }: Catalog,
  complete: boolean,
  stoppedEarly: boolean,
): Finding[] {
  const begins = new Set(complete ? [] : transactions.map((t) => `${t.firstVersion - 1n}`));
  const open = pieces.filter((piece) => isOpen(piece) && !begins.has(piece.last));
  const cut = stoppedEarly ? [] : snapshots.filter(isCut);
  // History below a waypoint that is not reached yet is not missing: it will be proven.
  addUnusable(unusable, { transactions: awaits === undefined ? open : [], snapshots: cut });
  return [...openPieces(open), ...cutSnapshots(cut)];
}

/** Adds to each finding that the stored endings do not reach the trusted waypoint yet, so a later run may prove it. */
function awaited(findings: Finding[], waypoint: string | undefined): Finding[] {
  if (waypoint === undefined) return findings;
  const yet = `not yet: the stored epoch endings do not reach the trusted waypoint ${waypoint}`;
  return findings.map((finding) => ({ ...finding, why: `${finding.why}; ${yet}` }));
}
