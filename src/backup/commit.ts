import { decodeStateRootProof, verifyStateRoot } from '../aptos/chain/proofs.js';
import { parseWaypoint } from '../aptos/chain/waypoint.js';
import {
  encodeEpochEndingManifest,
  encodeStateSnapshotManifest,
  encodeTransactionManifest,
} from '../aptos/files/manifest.js';
import type { MetadataLine } from '../aptos/files/metadata.js';
import {
  EPOCH_ENDING_MANIFEST,
  STATE_MANIFEST,
  STATE_ROOT_PROOF,
  TRANSACTION_MANIFEST,
} from '../aptos/files/names.js';
import { toHex } from '../aptos/hex.js';
import type { Job } from '../plan/job.js';
import type { BackupResult, Proven, Unit } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { currentAnchor, requireBegun } from './chain-anchor.js';
import { misfits, requireFit, requireWholeTree } from './chunks-fit.js';
import { withCommitLock } from './commit-lock.js';
import { type Wanted, findCommitted } from './committed.js';
import { BackupError } from './errors.js';
import type { Holder } from './lease.js';
import { claimOf, requireNoOverlap } from './overlap.js';
import { publishManifest, publishMetadata, withdrawMetadata } from './publish-unit.js';
import type { Receipt } from './receipt.js';
import { receiptsOfUnit } from './receipts-of-unit.js';
import type { Site } from './site.js';
import { putFile } from './stored-file.js';
import { chainProofs, leastProven } from './trust/proven.js';
import { noteCommitted, requireOpenUnit } from './unit-folder.js';
import { requireWhole } from './whole-unit.js';

export interface CommitTools {
  site: Site;
  job: Job;
  unit: Unit;
  /** Who commits, for the others that want to. */
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
}

/** Checks that all chunks are there and fit together, then writes manifest and metadata line. */
export async function commitTransactions(tools: CommitTools): Promise<BackupResult> {
  const { unit } = tools;
  const receipts = await collect(tools);
  await requireFit(tools, receipts, misfits(receipts));
  const proven = chainProofs(receipts.map((receipt) => receipt.proven));
  const whole = leastProven(proven);
  const [first, last] = span(receipts);
  const manifest = encodeTransactionManifest({
    firstVersion: first,
    lastVersion: last,
    chunks: receipts.map((receipt, i) => ({
      firstVersion: BigInt(receipt.first),
      lastVersion: BigInt(receipt.last),
      transactions: `${unit.folder}/${receipt.chunk.name}`,
      proof: `${unit.folder}/${receipt.proof!.name}`,
      format: receipt.format!,
      extra: chunkExtra(receipt, proven[i]!),
    })),
    extra: { proven: whole },
  });
  return finish(tools, receipts, whole, TRANSACTION_MANIFEST, manifest, (handle) => ({
    type: 'TransactionBackup',
    firstVersion: first,
    lastVersion: last,
    manifest: handle,
  }));
}

/** The same for epoch endings. */
export async function commitEpochEndings(tools: CommitTools): Promise<BackupResult> {
  const { unit } = tools;
  const receipts = await collect(tools);
  const whole = leastProven(receipts.map((r) => r.proven));
  const waypoints = receipts.flatMap((r) => r.waypoints ?? []);
  const [first, last] = span(receipts);
  const manifest = encodeEpochEndingManifest({
    firstEpoch: first,
    lastEpoch: last,
    waypoints,
    chunks: receipts.map((receipt) => ({
      firstEpoch: BigInt(receipt.first),
      lastEpoch: BigInt(receipt.last),
      ledgerInfos: `${unit.folder}/${receipt.chunk.name}`,
      extra: chunkExtra(receipt, receipt.proven),
    })),
    extra: { proven: whole },
  });
  return finish(tools, receipts, whole, EPOCH_ENDING_MANIFEST, manifest, (handle) => ({
    type: 'EpochEndingBackup',
    firstEpoch: first,
    lastEpoch: last,
    firstVersion: parseWaypoint(waypoints[0]!).version,
    lastVersion: parseWaypoint(waypoints.at(-1)!).version,
    manifest: handle,
  }));
}

/** The same for a state snapshot, whose root proof is stored here too. */
export async function commitStateSnapshot(tools: CommitTools): Promise<BackupResult> {
  const { unit, site, signal } = tools;
  const snapshot = unit.snapshot!;
  const version = BigInt(snapshot.version);
  const receipts = await collect(tools);
  await requireWholeTree(tools, receipts);
  const proofBytes = await site.node.stateRootProof(version, signal);
  const proof = decodeStateRootProof(proofBytes);
  if (toHex(verifyStateRoot(proof, version)) !== snapshot.rootHash) {
    throw new BackupError(
      'NODE_LIED',
      `the node's root proof of version ${version} does not prove the root ${snapshot.rootHash}`,
      true,
    );
  }
  const proven = await site.ledgerInfos.prove(proof.ledgerInfo, version, signal);
  const { handle: proofHandle } = await putFile(
    site.storage,
    unit.folder,
    STATE_ROOT_PROOF,
    proofBytes,
    { replace: true, signal },
  );
  const manifest = encodeStateSnapshotManifest({
    version,
    epoch: BigInt(snapshot.epoch),
    rootHash: snapshot.rootHash,
    chunks: receipts.map((receipt) => ({
      firstIdx: BigInt(receipt.first),
      lastIdx: BigInt(receipt.last),
      firstKey: receipt.first_key!,
      lastKey: receipt.last_key!,
      blobs: `${unit.folder}/${receipt.chunk.name}`,
      proof: `${unit.folder}/${receipt.proof!.name}`,
      extra: chunkExtra(receipt, proven),
    })),
    proof: proofHandle,
    extra: { proven },
  });
  return finish(tools, receipts, proven, STATE_MANIFEST, manifest, (handle) => ({
    type: 'StateSnapshotBackup',
    epoch: BigInt(snapshot.epoch),
    version,
    manifest: handle,
  }));
}

async function collect(tools: CommitTools): Promise<Receipt[]> {
  const { site, job, unit, signal, report } = tools;
  const receipts = await receiptsOfUnit(
    site.storage,
    unit,
    (ranges) => report(`read receipts of ${ranges} of ${unit.rangeCount} ranges`),
    signal,
  );
  requireWhole(job.target, unit, receipts);
  report('writing the manifest');
  return receipts;
}

async function finish(
  tools: CommitTools,
  receipts: Receipt[],
  proven: Proven,
  manifestName: string,
  manifest: Uint8Array,
  line: (manifestHandle: string) => MetadataLine,
): Promise<BackupResult> {
  const { site, unit, job, signal } = tools;
  const handle = `${unit.folder}/${manifestName}`;
  const published = await publish(tools, manifestName, manifest, line(handle));
  const metadata = typeof published === 'string' ? published : published.metadata;
  await noteCommitted(site.storage, unit.folder, metadata, signal);
  if (typeof published !== 'string') return published;
  const { snapshot } = unit;
  return {
    type: job.target.type,
    backup: unit.folder,
    manifest: handle,
    metadata,
    ...(snapshot
      ? { epoch: snapshot.epoch, version: snapshot.version }
      : { first: receipts[0]!.first, last: receipts.at(-1)!.last }),
    ...endOf(receipts),
    records: unit.records,
    chunks: receipts.length,
    bytes: receipts.reduce((bytes, receipt) => bytes + receipt.chunk.bytes, 0),
    proven,
    anchor: currentAnchor(site),
    chunks_reused: 0,
    already_committed: false,
  };
}

/**
 * The commit point. Under the lock nobody else commits or removes anything, so what is checked here
 * is still true when manifest and line are written. Returns the line's handle, or what another attempt
 * committed while this one stood still: its manifest may differ, and stays.
 */
async function publish(
  tools: CommitTools,
  manifestName: string,
  manifest: Uint8Array,
  line: MetadataLine,
): Promise<string | BackupResult> {
  const { site, unit, job, holder, signal, report } = tools;
  const { storage } = site;
  return withCommitLock(storage, holder, { signal, report }, async (lock) => {
    report('writing manifest and metadata line');
    await requireOpenUnit(storage, unit.folder, signal);
    const committed = await findCommitted(site, wantedOf(job, unit), signal);
    if (committed?.backup === unit.folder) return committed;
    await requireAlone(storage, line, signal);
    await requireBegun(site, signal);
    // All that is needed is there: whoever still writes is of an attempt that nobody waits for.
    await storage.removeLeftovers(unit.folder, signal, 'all');
    const held = () => lock.requireHeld();
    await held();
    await publishManifest(storage, unit.folder, manifestName, manifest, held, signal);
    await held();
    const metadata = await publishMetadata(storage, line, signal);
    // The write may have hung until another host took over, and committed.
    await held().catch(() => requireAlone(storage, line, signal));
    return metadata;
  });
}

function wantedOf({ target }: Job, { snapshot }: Unit): Wanted {
  return target.type === 'state_snapshot'
    ? { type: target.type, version: BigInt(snapshot!.version) }
    : target;
}

/** A line of ours that appeared late, beside one that overlaps, gives way. */
async function requireAlone(storage: BackupStorage, line: MetadataLine, signal: AbortSignal) {
  const claim = claimOf(line);
  try {
    if (claim) await requireNoOverlap(storage, claim, signal);
  } catch (error) {
    await withdrawMetadata(storage, line, signal);
    throw error;
  }
}

/** Epoch endings tell where their last epoch ends. */
function endOf(receipts: readonly Receipt[]): Pick<BackupResult, 'ends_at_version'> {
  const waypoint = receipts.at(-1)?.waypoints?.at(-1);
  return waypoint === undefined ? {} : { ends_at_version: `${parseWaypoint(waypoint).version}` };
}

function chunkExtra(receipt: Receipt, proven: Proven) {
  return {
    bytes: BigInt(receipt.chunk.bytes),
    sha256: receipt.chunk.sha256,
    ...(receipt.proof ? { proof_sha256: receipt.proof.sha256 } : {}),
    proven,
  };
}

function span(receipts: readonly Receipt[]): [bigint, bigint] {
  return [BigInt(receipts[0]!.first), BigInt(receipts.at(-1)!.last)];
}
