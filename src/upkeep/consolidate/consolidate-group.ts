import { type BatchHasher, createBatchHasher, transactionFolderBase } from '../../aptos/index.js';
import type { ConsolidatedGroup } from '../../contract/consolidation.js';
import type { UnitOf } from '../../contract/unit.js';
import { PROOFS_FILE, openUnitFolder, requireOpenUnit } from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import { Findings } from '../../verify/findings.js';
import type { StoredChain } from '../../verify/stored-chain.js';
import { mayDelete } from '../may-delete.js';
import { type ProvenCut, makeProofs } from './make-proofs.js';
import { digestOfParts, readProofs, writeProofs } from './proofs-file.js';
import { type ReadTools, type StoredChunk, chunksOfParts, readParts } from './read-parts.js';
import { storeChunks } from './store-chunks.js';
import type { Group } from './groups.js';
import { openOwnFolder } from './own-folder.js';

const CANNOT = 'small backups cannot be retired, so nothing was stored; give the right to delete';

export interface GroupTools {
  storage: BackupStorage;
  chain: StoredChain;
  signal: AbortSignal;
  report: (progress: GroupProgress) => void;
  hasher?: BatchHasher;
}

export interface GroupProgress {
  phase: 'reading' | 'writing';
  /** Bytes that were read, of both. */
  bytes: number;
  /** Chunks of the full batch that are stored. */
  chunks: number;
}

/**
 * Reads and proves the small backups of one batch, and stores the chunks of the full batch. Commits nothing, and reads
 * no metadata lines. Can be stopped and run again at any point. Damage ends in the result, never in a full batch.
 * @throws StorageError, BackupError when storage or folder is away
 */
export async function consolidateGroup(
  { group, maxChunkSize }: { group: Group; maxChunkSize: number },
  tools: GroupTools,
): Promise<ConsolidatedGroup> {
  const { storage, chain, report } = tools;
  const refused = await openOwnFolder(storage, chain);
  if (refused !== undefined) return { status: 'left', why: refused };
  await storage.requireFit();
  // Else each run would store a full batch that can never take the place of the small ones, nor be removed again.
  if (!(await mayDelete(storage))) {
    return { status: 'left', why: `${storage.description} does not let us delete: ${CANNOT}` };
  }
  const findings = new Findings();
  const progress: GroupProgress = { phase: 'reading', bytes: 0, chunks: 0 };
  const reading: ReadTools = {
    storage,
    chain,
    findings,
    maxChunkSize,
    hasher: tools.hasher ?? createBatchHasher(),
    onProgress: ({ bytes }) => {
      progress.bytes += bytes;
      report({ ...progress });
    },
  };
  const done = group.whole
    ? await provenWhole(reading, group)
    : await storedBatch(reading, group, tools, (more) => report(Object.assign(progress, more)));
  if (done) return done;
  return { status: 'damaged', findings: findings.list, findingCount: findings.count };
}

/** The full batch is committed. It is proven again before the small ones go. */
async function provenWhole(
  reading: ReadTools,
  { whole, parts }: Group,
): Promise<ConsolidatedGroup | undefined> {
  const chunks = await chunksOfParts(reading, [whole!]);
  if (!chunks || !(await readParts(reading, chunks))) return undefined;
  return { status: 'whole', manifest: whole!.manifest, of: digestOfParts(parts) };
}

async function storedBatch(
  reading: ReadTools,
  { first, last, parts }: Group,
  { storage, chain, signal }: GroupTools,
  report: (more: Partial<GroupProgress>) => void,
): Promise<ConsolidatedGroup | undefined> {
  const sources = await chunksOfParts(reading, parts);
  if (!sources) return undefined;
  if (new Set(sources.map(({ format }) => format)).size > 1) {
    return { status: 'left', why: 'its backups have records of two formats' };
  }
  const records = last - first + 1n;
  const genesis = chain.ending(0n)!.waypoint; // openOwnFolder has looked
  const identity = { genesis, base: transactionFolderBase(first), first: `${first}` };
  const cut = await openUnitFolder(
    storage,
    {
      ...identity,
      records: `${records}`,
      maxChunkSize: reading.maxChunkSize,
      made: 'consolidated',
    },
    () => Promise.resolve({ rangeSize: Number(records), rangeCount: 1 }),
  );
  const unit: UnitOf<'transaction'> = { ...cut, kind: 'transaction' };
  const of = digestOfParts(parts);
  const cuts = await proofsOf(reading, sources, unit.folder, of);
  if (!cuts) return undefined;
  const target = {
    folder: unit.folder,
    signal,
    onChunk: (chunks: number) => report({ phase: 'writing', chunks }),
  };
  if (await storeChunks(reading, sources, cuts, target)) return { status: 'stored', unit, of };
  await storage.removeFileIfAllowed(`${unit.folder}/${PROOFS_FILE}`); // the next attempt makes them anew
  return undefined;
}

async function proofsOf(
  reading: ReadTools,
  sources: readonly StoredChunk[],
  folder: string,
  of: string,
): Promise<ProvenCut[] | undefined> {
  const { storage, findings } = reading;
  const known = await readProofs(storage, folder, of);
  if (known) return known;
  const { proof, manifest } = sources.at(-1)!;
  const made = await findings.about(proof, manifest, () => makeProofs(reading, sources));
  if (!made) return undefined;
  await requireOpenUnit(storage, folder);
  await writeProofs(storage, folder, of, made);
  return made;
}
