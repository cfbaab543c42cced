import { metadataFileName, type MetadataLine } from '../../aptos/index.js';
import type { BackupType, Job } from '../../contract/job.js';
import type { ResultOf, UnitOf } from '../../contract/unit.js';
import type { BackupStorage } from '../../storage/storage.js';
import { requireBegun } from '../../site/chain-anchor.js';
import { requireFit } from './chunks-fit.js';
import { withCommitLock } from '../../repository/commit-lock.js';
import { findCommitted, resultOf } from '../committed.js';
import { kindOf } from '../kinds/index.js';
import type { NewManifest } from '../kinds/kind.js';
import type { Holder } from '../../repository/lease.js';
import { type Catalog, readKnownCatalog } from '../../repository/catalog.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import { claimOf, requireNoOverlap } from '../../repository/overlap.js';
import {
  publishManifest,
  publishMetadata,
  withdrawMetadata,
} from '../../repository/publish-unit.js';
import { receiptsOfUnit } from '../../repository/receipts-of-unit.js';
import type { Site } from '../../site/site.js';
import { noteCommitted, requireOpenUnit } from '../../repository/unit-folder.js';
import { requireWhole } from './whole-unit.js';

export interface CommitTools<K extends BackupType = BackupType> {
  site: Site;
  job: Job;
  unit: UnitOf<K>;
  /** Who commits: others that wait for the lock see this. */
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
  /** Called with the number of ranges whose receipts were read and are sound. */
  reached?: (ranges: number) => void;
}

/** Checks that all chunks are there and fit together, then writes manifest and metadata line. */
export async function commitUnit<K extends BackupType>(
  tools: CommitTools<K>,
): Promise<ResultOf<K>> {
  const { site, job, unit, signal, report, reached } = tools;
  const kind = kindOf<K>(unit.kind);
  const receipts = await receiptsOfUnit<K>(site.storage, unit, (ranges) => {
    reached?.(ranges);
    report(`read receipts of ${ranges} of ${unit.rangeCount} ranges`);
  });
  requireWhole(job.target, unit, receipts);
  report('writing the manifest');
  await requireFit(tools, receipts, kind.misfits(unit, receipts));
  const manifest = await kind.manifest(unit, receipts, site, signal);
  const published = await publish(tools, manifest);
  const metadata = typeof published === 'string' ? published : published.metadata;
  await noteCommitted(site.storage, unit.folder, metadata);
  if (typeof published !== 'string') return published;
  const { line, content } = manifest;
  return resultOf<K>(site, unit.kind, { manifest: line.manifest, metadata, content });
}

/**
 * The commit point. Under the lock nobody else commits or removes anything, so what is checked here is still true
 * when manifest and line are written. Returns the line's handle. If another attempt committed meanwhile, returns its
 * result: its manifest stays, even if ours differs.
 */
async function publish<K extends BackupType>(
  { site, unit, holder, signal, report }: CommitTools<K>,
  { name, bytes, line }: NewManifest<K>,
): Promise<string | ResultOf<K>> {
  const { storage } = site;
  return withCommitLock(storage, holder, { signal, report }, async (lock) => {
    report('writing manifest and metadata line');
    await requireOpenUnit(storage, unit.folder);
    const metadataFile = `metadata/${metadataFileName(line)}`;
    const committed = await findCommitted<K>(site, unit.kind, metadataFile);
    if (committed?.backup === unit.folder) return committed;
    const before = await requireAlone(storage, line);
    await requireBegun(site, signal);
    // All chunks are there. Whoever still writes here belongs to an attempt that nobody waits for.
    await storage.removeLeftovers(unit.folder, 'all');
    const held = () => lock.requireHeld();
    await held();
    await publishManifest(storage, unit.folder, name, bytes, held);
    await held();
    const metadata = await publishMetadata(storage, line);
    // The write may have hung until another host took the lock and committed. Adapters have no real lock: two hosts
    // may hold it at once.
    if (storage.byNameOnly) await requireAlone(storage, line);
    else await held().catch(() => requireAlone(storage, line));
    await rememberMetadata(storage, before, line);
    return metadata;
  });
}

/** Withdraws our own line if another backup overlaps it. Returns what else the storage has. */
async function requireAlone(storage: BackupStorage, line: MetadataLine): Promise<Catalog> {
  const claim = claimOf(line);
  if (!claim) return readKnownCatalog(storage);
  try {
    return await requireNoOverlap(storage, claim);
  } catch (error) {
    await withdrawMetadata(storage, line);
    throw error;
  }
}
