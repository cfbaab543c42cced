import type { BackupType, JobFor, TargetOf } from '../../contract/job.js';
import { type Prepared, type UnitOf, planRanges } from '../../contract/unit.js';
import { anchorStorage, requireBegun, requireSameChain } from '../../site/chain-anchor.js';
import { findCommitted } from '../committed.js';
import { isStorageError } from '../../storage/storage-error.js';
import { BackupError } from '../../errors/backup-error.js';
import { readKnownOrNone } from '../../repository/catalog.js';
import { claimOfTarget, requireNoOverlap } from '../../repository/overlap.js';
import { kindOf } from '../kinds/index.js';
import type { Draft, Kind, PlanTools } from '../kinds/kind.js';
import { sampleRecordSize } from './sample.js';
import type { Site } from '../../site/site.js';
import {
  type UnitIdentity,
  completeCommit,
  ensureIdentity,
  openUnitFolder,
} from '../../repository/unit-folder.js';

/**
 * The most chunks of one manifest. A manifest is read at once: it has about 500 bytes for each chunk, so it stays
 * well below its size limit.
 */
const MOST_CHUNKS = 200_000;

interface Lanes {
  /** How many ranges will run at once. */
  lanes: number;
}

/** Plans a backup of any kind. @throws BackupError NODE_BEHIND, NODE_PRUNED */
export async function prepareUnit<K extends BackupType>(
  site: Site,
  job: JobFor<K>,
  tools: PlanTools & Lanes,
): Promise<Prepared<K>> {
  const { target } = job;
  const kind = kindOf<K>(target.type);
  const metadata = await kind.metadataOf(site, target, tools.signal);
  await requireSameChain(site);
  const committed = await findCommitted<K>(site, target.type, metadata);
  // An earlier attempt may have died right after it wrote the metadata line.
  if (committed) {
    await completeCommit(site.storage, committed.backup, committed.metadata);
    return { committed };
  }
  await requireFree(site, target);
  const draft = await kind.plan(site, target, tools);
  const anchor = await (job.existingStorage === true
    ? requireBegun(site, tools.signal)
    : anchorStorage(site, tools.signal));
  await ensureIdentity(site.storage);
  return { unit: await openUnit(site, job, draft, tools), anchor };
}

/**
 * Refuses a target that could not be committed in the end, because it overlaps another backup. Snapshots may overlap, but
 * a listing that lacks something is an outage for them, too.
 */
async function requireFree<K extends BackupType>(site: Site, target: TargetOf<K>): Promise<void> {
  const claim = claimOfTarget(target);
  try {
    if (claim) await requireNoOverlap(site.storage, claim);
    else await readKnownOrNone(site.storage);
  } catch (error) {
    if (!isStorageError(error, 'STORAGE_MISSING')) throw error;
  }
}

async function openUnit<K extends BackupType>(
  site: Site,
  { target, maxChunkSize }: JobFor<K>,
  draft: Draft<K>,
  { lanes, learnt, signal }: PlanTools & Lanes,
): Promise<UnitOf<K>> {
  const { base, first, records, rootHash, facts, stream } = draft;
  const { samples }: Kind<K> = kindOf<K>(target.type);
  const identity: UnitIdentity = {
    genesis: site.genesis,
    base,
    first,
    records: `${records}`,
    maxChunkSize,
    ...(rootHash === undefined ? {} : { rootHash }),
  };
  const cut = await openUnitFolder(site.storage, identity, async () => {
    const span = { first: BigInt(first), records };
    const averageRecordBytes = await sampleRecordSize(span, samples, stream, learnt, signal);
    requireFewChunks(Number(records) * averageRecordBytes, maxChunkSize);
    // Sampling took a while. The storage may be unmounted by now, so check it before a folder is made.
    await requireBegun(site, signal);
    return planRanges({ records, averageRecordBytes, maxChunkSize, lanes });
  });
  return Object.assign(cut, { kind: target.type }, facts);
}

/** @throws BackupError TOO_MANY_CHUNKS */
function requireFewChunks(bytes: number, maxChunkSize: number): void {
  if (bytes / maxChunkSize <= MOST_CHUNKS) return;
  const why = `about ${Math.round(bytes)} bytes in chunks of at most ${maxChunkSize} are more than ${MOST_CHUNKS} chunks, too many for one manifest; give a max_chunk_size of ${Math.ceil(bytes / MOST_CHUNKS)} or more`;
  throw new BackupError('TOO_MANY_CHUNKS', why);
}
