import { decodeStateRootProof, verifyStateRoot } from '../aptos/chain/proofs.js';
import {
  epochEndingFolderBase,
  stateSnapshotFolderBase,
  transactionFolderBase,
} from '../aptos/files/names.js';
import { toHex } from '../aptos/hex.js';
import type { Job, JobFor, Target } from '../plan/job.js';
import { type Prepared, type Unit, planRanges } from '../plan/unit.js';
import { anchorStorage, requireBegun, requireSameChain } from './chain-anchor.js';
import { type Wanted, findCommitted } from './committed.js';
import { NodeError } from '../node/errors.js';
import { StorageError } from '../storage/errors.js';
import { BackupError } from './errors.js';
import { claimOfTarget, requireNoOverlap } from './overlap.js';
import { hasState, hasTransaction } from './prune-edge.js';
import { requireItemCount } from './item-count.js';
import { sampleRecordSize } from './sample.js';
import type { Site } from './site.js';
import {
  type UnitIdentity,
  completeCommit,
  ensureIdentity,
  openUnitFolder,
} from './unit-folder.js';

/** Of one manifest: verified in one go, at about 500 bytes each, and well below its limit. */
const MOST_CHUNKS = 200_000;

/** Plans the backup of a range of transactions. `lanes`: how many ranges will run at once. */
export async function prepareTransactions(
  site: Site,
  job: JobFor<'transaction'>,
  lanes: number,
  signal: AbortSignal,
): Promise<Prepared> {
  const { first, last } = job.target;
  const committed = await alreadyCommitted(site, job.target, signal);
  if (committed) return { committed };
  await requireFree(site, job.target, signal);
  const tip = await nodeState(site, signal);
  if (BigInt(last) > tip.committedVersion) {
    throw behind(`committed version ${tip.committedVersion}, but version ${last} was asked for`);
  }
  if (!(await hasTransaction(site, BigInt(first), signal))) {
    await requireOther(() => hasTransaction(site, tip.committedVersion, signal));
    throw pruned(`transaction ${first}`);
  }
  const records = BigInt(last) - BigInt(first) + 1n;
  return prepare(site, lanes, signal, {
    identity: { base: transactionFolderBase(BigInt(first)), first, records, job },
    samplesPerPlace: 32n,
    stream: (from, count) => site.node.transactions(from, count, signal),
  });
}

/** Plans the backup of the ledger infos that end a range of epochs; verifies the chain up to there. */
export async function prepareEpochEndings(
  site: Site,
  job: JobFor<'epoch_ending'>,
  lanes: number,
  signal: AbortSignal,
): Promise<Prepared> {
  const { first, last } = job.target;
  const committed = await alreadyCommitted(site, job.target, signal);
  if (committed) return { committed };
  await requireFree(site, job.target, signal);
  const tip = await nodeState(site, signal);
  await requireEnded(site, BigInt(last), tip.epoch, signal);
  await site.history.ending(BigInt(last), signal);
  const records = BigInt(last) - BigInt(first) + 1n;
  return prepare(site, lanes, signal, {
    identity: { base: epochEndingFolderBase(BigInt(first)), first, records, job },
    samplesPerPlace: 4n,
    stream: (from, count) => site.node.epochEndings(from, from + count, signal),
  });
}

/** Plans the backup of the state at the end of an epoch: proves its root and counts its items. */
export async function prepareStateSnapshot(
  site: Site,
  job: JobFor<'state_snapshot'>,
  lanes: number,
  signal: AbortSignal,
): Promise<Prepared> {
  const epoch = BigInt(job.target.epoch);
  const newest = await nodeState(site, signal);
  await requireEnded(site, epoch, newest.epoch, signal);
  const { version } = await site.history.ending(epoch, signal);
  const committed = await alreadyCommitted(site, { type: 'state_snapshot', version }, signal);
  if (committed) return { committed };
  const proof = decodeStateRootProof(await site.node.stateRootProof(version, signal));
  const rootHash = toHex(verifyStateRoot(proof, version));
  const proven = await site.ledgerInfos.prove(proof.ledgerInfo, version, signal);
  // The root proof came, so the node answers; the state itself may be pruned all the same.
  if (!(await hasState(site, version, signal))) throw pruned(`the state of epoch ${epoch}`);
  const records = await site.node.stateItemCount(version, signal);
  await requireItemCount(site, { version, records, rootHash }, signal);
  return prepare(site, lanes, signal, {
    identity: { base: stateSnapshotFolderBase(epoch, version), first: '0', records, job, rootHash },
    samplesPerPlace: 256n,
    stream: (from, count) => site.node.stateChunk(version, from, count, signal),
    snapshot: { epoch: `${epoch}`, version: `${version}`, rootHash, proven },
  });
}

/** What every plan begins with: is it the right chain, and is there anything to do? */
async function alreadyCommitted(site: Site, wanted: Wanted, signal: AbortSignal) {
  await requireSameChain(site, signal);
  const committed = await findCommitted(site, wanted, signal);
  // What an attempt left to do that died right after the metadata line was written.
  if (committed) await completeCommit(site.storage, committed.backup, committed.metadata, signal);
  return committed;
}

/** What could not be committed in the end is not begun. */
async function requireFree(site: Site, target: Target, signal: AbortSignal): Promise<void> {
  const claim = claimOfTarget(target);
  try {
    if (claim) await requireNoOverlap(site.storage, claim, signal);
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'STORAGE_MISSING')) throw error;
  }
}

interface UnitDraft {
  identity: { base: string; first: string; records: bigint; job: Job; rootHash?: string };
  samplesPerPlace: bigint;
  stream: (first: bigint, count: bigint) => AsyncIterable<Uint8Array>;
  snapshot?: Unit['snapshot'];
}

async function prepare(
  site: Site,
  lanes: number,
  signal: AbortSignal,
  draft: UnitDraft,
): Promise<Prepared> {
  const { base, first, records, job, rootHash } = draft.identity;
  const identity: UnitIdentity = {
    genesis: site.genesis,
    base,
    first,
    records: `${records}`,
    maxChunkSize: job.maxChunkSize,
    ...(rootHash === undefined ? {} : { rootHash }),
  };
  const begun = job.existingStorage === true;
  const anchor = await (begun ? requireBegun(site, signal) : anchorStorage(site, signal));
  await ensureIdentity(site.storage);
  const cut = async () => {
    const span = { first: BigInt(first), records };
    const averageRecordBytes = await sampleRecordSize(span, draft.samplesPerPlace, draft.stream);
    const { maxChunkSize } = job;
    requireFewChunks(Number(records) * averageRecordBytes, maxChunkSize);
    // That took a while, and a folder is made next: the storage may be unmounted by now.
    await requireBegun(site, signal);
    return planRanges({ records, averageRecordBytes, maxChunkSize, lanes });
  };
  const unit = await openUnitFolder(site.storage, identity, cut, signal);
  return { unit: { ...unit, ...(draft.snapshot ? { snapshot: draft.snapshot } : {}) }, anchor };
}

/** @throws BackupError TOO_MANY_CHUNKS */
function requireFewChunks(bytes: number, maxChunkSize: number): void {
  if (bytes / maxChunkSize <= MOST_CHUNKS) return;
  const why = `about ${Math.round(bytes)} bytes in chunks of at most ${maxChunkSize} are more than ${MOST_CHUNKS} chunks, too many for one manifest; give a max_chunk_size of ${Math.ceil(bytes / MOST_CHUNKS)} or more`;
  throw new BackupError('TOO_MANY_CHUNKS', why, false);
}

/**
 * `newest` is the epoch of the node's newest ledger info. That may itself be the one that ends the
 * epoch, which only asking for it tells.
 */
async function requireEnded(site: Site, epoch: bigint, newest: bigint, signal: AbortSignal) {
  if (epoch < newest) return;
  const open = behind(`epoch ${newest} still open, but the end of epoch ${epoch} was asked for`);
  if (epoch > newest) throw open;
  try {
    await site.history.ending(epoch, signal);
  } catch (error) {
    throw error instanceof NodeError && error.code === 'NODE_SHORT' ? open : error;
  }
}

async function nodeState(site: Site, signal: AbortSignal) {
  const state = await site.node.dbState(signal);
  if (!state) throw behind('an empty database (it is not bootstrapped)');
  return state;
}

/** Tells a node that pruned something from one that serves nothing at all. */
async function requireOther(isThere: () => Promise<boolean>): Promise<void> {
  if (await isThere()) return;
  throw new BackupError('NODE_BEHIND', 'the node serves no transactions at the moment', true);
}

function pruned(what: string): BackupError {
  return new BackupError(
    'NODE_PRUNED',
    `the node no longer has ${what}; ask a node that keeps more`,
    true,
  );
}

function behind(has: string): BackupError {
  return new BackupError(
    'NODE_BEHIND',
    `the node has ${has}; wait for the node or ask for less`,
    true,
  );
}
