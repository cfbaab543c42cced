import { CHAIN_FILE, storedAnchor } from '../backup/chain-anchor.js';
import { type BackupEntry, type Catalog, readCatalog } from '../catalog/catalog.js';
import { type Span, holesUpTo, unionOf } from '../plan/spans.js';
import type { Coverage, Finding, VerifyScope } from '../plan/verify.js';
import type { BackupStorage } from '../storage/storage.js';
import { type VerifyTotals, cutSnapshots, openPieces } from '../plan/verify-totals.js';
import { findUnreferenced } from './unreferenced.js';

const MOST_LISTED = 200;

/** The statement at the end of a verification: what is there, what is proven, and what is not. */
export async function concludeCoverage(
  storage: BackupStorage,
  scope: VerifyScope,
  totals: VerifyTotals,
  { begunAt, stoppedEarly }: { begunAt: number; stoppedEarly: boolean },
  signal?: AbortSignal,
): Promise<Coverage> {
  const catalog = await readCatalog(storage, signal);
  const metadata = metadataFindings(catalog);
  const { orphans, lost, ours } = await findUnreferenced(storage, catalog, signal);
  const anchor = ours ? await anchorFindings(storage, totals.genesis, signal) : [];
  const holes = {
    epoch_endings: holesOf(
      catalog.epochEndings.map((e) => ({ first: e.firstEpoch, last: e.lastEpoch })),
    ),
    transactions: holesOf(
      catalog.transactions.map((t) => ({ first: t.firstVersion, last: t.lastVersion })),
    ),
  };
  const complete = !stoppedEarly && isWhole(scope);
  const unproven = unprovenFindings(totals, catalog, complete, stoppedEarly);
  const storageWide = [...metadata, ...lost, ...anchor];
  const findings = [...storageWide, ...totals.findings, ...unproven];
  const count = storageWide.length + totals.findingCount + unproven.length;
  const stock = whyNotRestorable(catalog, holes, findings[0], count);
  const { objects, skipped } = totals;
  return {
    ok:
      count === 0 &&
      objects + skipped > 0 &&
      holes.epoch_endings.length + holes.transactions.length === 0,
    storage: storage.description,
    as_of: new Date(begunAt).toISOString(),
    complete,
    ...(totals.genesis === undefined ? {} : { genesis: totals.genesis }),
    genesis_confirmed: totals.genesisConfirmed,
    epoch_endings: totals.epochs,
    transactions: totals.pieces.map(({ first, last, proven }) => ({ first, last, proven })),
    transactions_count: totals.pieces.length + totals.unlistedPieces,
    state_snapshots: totals.snapshots
      .map(({ epoch, version, manifest, proven }) => ({ epoch, version, manifest, proven }))
      .sort((a, b) => Number(BigInt(a.version) - BigInt(b.version))),
    state_snapshots_count: totals.snapshots.length + totals.unlistedSnapshots,
    holes: {
      epoch_endings: holes.epoch_endings.slice(0, MOST_LISTED),
      transactions: holes.transactions.slice(0, MOST_LISTED),
    },
    hole_count: holes.epoch_endings.length + holes.transactions.length,
    restorable_by_stock: { yes: stock.length === 0, why: stock },
    findings: findings.slice(0, MOST_LISTED),
    finding_count: count,
    orphans: orphans.slice(0, MOST_LISTED),
    orphan_count: orphans.length,
    checked: {
      records: totals.records,
      bytes: totals.bytes,
      objects,
      proven_before: skipped,
    },
  };
}

/** What our own backups write first: which chain everything belongs to. */
async function anchorFindings(
  storage: BackupStorage,
  genesis: string | undefined,
  signal?: AbortSignal,
): Promise<Finding[]> {
  const damaged = (why: string): Finding[] => [{ object: CHAIN_FILE, code: 'DAMAGED', why }];
  const named = await storedAnchor(storage, signal);
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

/** Lines that cannot be read, and ranges that two backups claim. */
function metadataFindings(catalog: Catalog): Finding[] {
  const findings: Finding[] = catalog.damaged.map(({ object, why }) => ({
    object,
    code: 'METADATA',
    why,
  }));
  const claims = <E extends BackupEntry>(entries: E[], spanOf: (entry: E) => Span) => {
    let before: { entry: E; last: bigint } | undefined;
    for (const entry of entries) {
      const { first, last } = spanOf(entry);
      if (before && first <= before.last) {
        const why = `it names ${entry.manifest} from ${first} on, which ${before.entry.source} names as ${before.entry.manifest} up to ${before.last}`;
        findings.push({ object: entry.source, code: 'OVERLAP', why });
      }
      if (!before || last > before.last) before = { entry, last };
    }
  };
  claims(catalog.epochEndings, (e) => ({ first: e.firstEpoch, last: e.lastEpoch }));
  claims(catalog.transactions, (t) => ({ first: t.firstVersion, last: t.lastVersion }));
  claims(catalog.snapshots, (s) => ({ first: s.version, last: s.version }));
  return findings;
}

/**
 * What was read in order and still nothing proves. In a partial verification what is left out may be
 * what proves it: a backup that the storage has right behind, or the chunks that were not reached.
 */
function unprovenFindings(
  { pieces, snapshots }: VerifyTotals,
  { transactions }: Catalog,
  complete: boolean,
  stoppedEarly: boolean,
): Finding[] {
  const begins = new Set(complete ? [] : transactions.map((t) => `${t.firstVersion - 1n}`));
  const open = pieces.filter(({ last }) => !begins.has(last));
  return [...openPieces(open), ...(stoppedEarly ? [] : cutSnapshots(snapshots))];
}

function holesOf(spans: Span[]) {
  const runs = unionOf(spans);
  const last = runs.at(-1)?.last;
  if (last === undefined) return [];
  return holesUpTo(runs, last).map((hole) => ({ first: `${hole.first}`, last: `${hole.last}` }));
}

/** By the stock tool's rules: it restores from an unbroken, unambiguous history or not at all. */
function whyNotRestorable(
  catalog: Catalog,
  holes: Coverage['holes'],
  first: Finding | undefined,
  count: number,
): string[] {
  const why: string[] = [];
  if (catalog.epochEndings.length === 0) why.push('there are no epoch endings');
  if (catalog.transactions.length === 0) why.push('there are no transactions');
  if (catalog.snapshots.length === 0) why.push('there is no state snapshot');
  for (const [kind, list] of Object.entries(holes)) {
    const [hole] = list;
    if (hole) why.push(`${kind} ${hole.first} to ${hole.last} are missing`);
  }
  if (first) why.push(`${count} finding(s), first ${first.object}: ${first.why}`);
  return why;
}
