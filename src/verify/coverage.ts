import { decodeManifest } from '../aptos/files/manifest.js';
import { type BackupEntry, type Catalog, readCatalog } from '../catalog/catalog.js';
import type { BackupType } from '../plan/job.js';
import { type Span, holesUpTo, unionOf } from '../plan/spans.js';
import type { Coverage, Finding, VerifyScope } from '../plan/verify.js';
import type { BackupStorage } from '../storage/storage.js';
import { StorageError } from '../storage/errors.js';
import { AptosDataError } from '../aptos/errors.js';
import { isProvenRecord } from './proven-before.js';
import type { VerifyTotals } from '../plan/verify-totals.js';

const MOST_LISTED = 200;
const MAX_MANIFEST = 256 * 1024 * 1024;
const READS_IN_FLIGHT = 16;

/** The statement at the end of a verification: what is there, what is proven, and what is not. */
export async function concludeCoverage(
  storage: BackupStorage,
  scope: VerifyScope,
  totals: VerifyTotals,
  stoppedEarly: boolean,
  signal?: AbortSignal,
): Promise<Coverage> {
  const catalog = await readCatalog(storage, signal);
  const metadata = metadataFindings(catalog);
  const orphans = await findOrphans(storage, catalog, signal);
  const holes = {
    epoch_endings: holesOf(
      catalog.epochEndings.map((e) => ({ first: e.firstEpoch, last: e.lastEpoch })),
    ),
    transactions: holesOf(
      catalog.transactions.map((t) => ({ first: t.firstVersion, last: t.lastVersion })),
    ),
  };
  const unproven = unprovenFindings(totals);
  const findings = [...metadata, ...totals.findings, ...unproven];
  const count = metadata.length + totals.findingCount + unproven.length;
  const stock = whyNotRestorable(catalog, holes, findings);
  const { objects, skipped } = totals;
  const complete = !stoppedEarly && isWhole(scope);
  return {
    ok:
      count === 0 &&
      objects + skipped > 0 &&
      holes.epoch_endings.length === 0 &&
      holes.transactions.length === 0,
    storage: storage.description,
    complete,
    ...(totals.genesis === undefined ? {} : { genesis: totals.genesis }),
    genesis_confirmed: totals.genesisConfirmed,
    epoch_endings: totals.epochs,
    transactions: totals.pieces.map(({ first, last, proven }) => ({ first, last, proven })),
    state_snapshots: totals.snapshots.flatMap(({ chunks: _, of: __, ...snapshot }) => snapshot),
    holes,
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

/** What was read in order and still nothing proves. */
function unprovenFindings({ pieces, snapshots }: VerifyTotals): Finding[] {
  const why =
    'it is unsigned history, and no trusted waypoint or signed history above it proves it';
  const open = pieces.filter(({ proven }) => proven === 'not yet proven');
  const cut = snapshots.filter(({ chunks, of }) => chunks !== of);
  return [
    ...open.map(({ head }): Finding => ({ object: head, code: 'UNPROVEN', why })),
    ...cut.map(({ manifest, chunks, of }): Finding => ({
      object: manifest,
      code: 'UNPROVEN',
      why: `only ${chunks} of its ${of} chunks are proven`,
    })),
  ];
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
  findings: readonly Finding[],
): string[] {
  const why: string[] = [];
  if (catalog.epochEndings.length === 0) why.push('there are no epoch endings');
  if (catalog.transactions.length === 0) why.push('there are no transactions');
  if (catalog.snapshots.length === 0) why.push('there is no state snapshot');
  for (const [kind, list] of Object.entries(holes)) {
    const [hole] = list;
    if (hole) why.push(`${kind} ${hole.first} to ${hole.last} are missing`);
  }
  const [first] = findings;
  if (first) why.push(`${findings.length} finding(s), first ${first.object}: ${first.why}`);
  return why;
}

/** Folders that no metadata line points into, and files in the others that nothing names. */
async function findOrphans(
  storage: BackupStorage,
  catalog: Catalog,
  signal?: AbortSignal,
): Promise<string[]> {
  const OURS = new Set(['metadata', 'metadata_backup', 'aptos-backup']);
  const named = new Map<string, { manifest: string; type: BackupType }[]>();
  const note = (entries: BackupEntry[], type: BackupType) => {
    for (const { manifest } of entries) {
      const folder = manifest.split('/')[0]!;
      named.set(folder, [...(named.get(folder) ?? []), { manifest, type }]);
    }
  };
  note(catalog.epochEndings, 'epoch_ending');
  note(catalog.transactions, 'transaction');
  note(catalog.snapshots, 'state_snapshot');
  const folders = (await storage.listFolders()).filter((folder) => !OURS.has(folder)).sort();
  const orphans: string[][] = [];
  let next = 0;
  const reader = async () => {
    while (next < folders.length) {
      const index = next++;
      signal?.throwIfAborted();
      const folder = folders[index]!;
      const manifests = named.get(folder);
      orphans[index] = manifests ? await strayFiles(storage, folder, manifests) : [`${folder}/`];
    }
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT }, reader));
  return orphans.flat();
}

async function strayFiles(
  storage: BackupStorage,
  folder: string,
  manifests: { manifest: string; type: BackupType }[],
): Promise<string[]> {
  const known = new Set<string>(manifests.map(({ manifest }) => manifest));
  for (const { manifest, type } of manifests) {
    const files = await filesNamedBy(storage, manifest, type);
    if (!files) return []; // a damaged manifest does not make its files strays
    for (const file of files) known.add(file);
  }
  const stored = await storage.listFolder(folder);
  return stored
    .map(({ handle }) => handle)
    .filter((handle) => {
      const name = handle.slice(folder.length + 1);
      const ours = name === 'plan.json' || name.endsWith('.receipt') || isProvenRecord(name);
      return !ours && !known.has(handle);
    })
    .sort();
}

async function filesNamedBy(storage: BackupStorage, manifest: string, type: BackupType) {
  try {
    const decoded = decodeManifest(type, await storage.readAll(manifest, MAX_MANIFEST));
    if ('rootHash' in decoded) {
      return [decoded.proof, ...decoded.chunks.flatMap((chunk) => [chunk.blobs, chunk.proof])];
    }
    if ('firstEpoch' in decoded) return decoded.chunks.map((chunk) => chunk.ledgerInfos);
    return decoded.chunks.flatMap((chunk) => [chunk.transactions, chunk.proof]);
  } catch (error) {
    if (error instanceof AptosDataError || error instanceof StorageError) return undefined;
    throw error;
  }
}
