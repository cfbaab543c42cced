import {
  AptosDataError,
  decodeStateRangeProof,
  decodeStateSnapshotManifest,
  encodeStateSnapshotManifest,
  fromHex,
  frontierDigest,
  SPARSE_MERKLE_PLACEHOLDER,
  STATE_MANIFEST,
  STATE_ROOT_PROOF,
  StateChunkVerifier,
  stateProofName,
  stateSnapshotFolderBase,
  stateSnapshotMetadataName,
  type StateSnapshotManifest,
  toHex,
} from '../../aptos/index.js';
import type { TargetOf } from '../../contract/job.js';
import type { UnitOf } from '../../contract/unit.js';
import { BackupError } from '../../errors/backup-error.js';
import type { NodeClient, StreamForm } from '../../node/client.js';
import type { OpenChunk } from '../../repository/chunk-file.js';
import type { Receipt, StateReceipt } from '../../repository/receipt.js';
import { requireKept } from '../../repository/publish-unit.js';
import { putFile } from '../../repository/stored-file.js';
import { lackOfState } from '../../site/prune-edge.js';
import type { Site } from '../../site/site.js';
import { stateEdge } from '../../site/state-edge.js';
import { fetchStateRoot } from '../../site/state-root.js';
import { misfits } from '../../repository/misfits.js';
import { chunkExtra } from '../../repository/manifest-parts.js';
import { requireEnded } from '../plan/node-has.js';
import type {
  Content,
  Draft,
  Kind,
  NewManifest,
  PlanTools,
  RecordStream,
  RecordTools,
} from './kind.js';
import { requireItemCount } from './state-snapshot/item-count.js';

type SnapshotUnit = UnitOf<'state_snapshot'>;

/** State items of one snapshot, proven to its root. Their numbers are leaf indexes of the state tree. */
export const stateSnapshotKind: Kind<'state_snapshot'> = {
  async metadataOf(site, target, signal) {
    const epoch = BigInt(target.epoch);
    await requireEnded(site, epoch, signal);
    const { version } = await site.history.ending(epoch, signal);
    return `metadata/${stateSnapshotMetadataName(version)}`;
  },
  plan,
  samples: 256n,
  records: (unit, tools) => ({
    stream: streamOf(tools.node, BigInt(unit.version), { givesWay: true }),
    lackOf: (_first, signal) => lackOfState(tools.node, BigInt(unit.version), signal),
    async startChunk(first, before, signal) {
      return startChunk(unit, first, await edgeBefore(unit, first, before, tools, signal), tools);
    },
  }),
  misfits: misfitsOfTree,
  manifest,
  read: (bytes) => contentOf(decodeStateSnapshotManifest(bytes)),
};

/** Proves the root and counts the items. */
async function plan(
  site: Site,
  target: TargetOf<'state_snapshot'>,
  { learnt, signal }: PlanTools,
): Promise<Draft<'state_snapshot'>> {
  const epoch = BigInt(target.epoch);
  const { version } = await site.history.ending(epoch, signal);
  const { rootHash, ledgerInfo } = await fetchStateRoot(site, version, signal);
  const proven = await site.ledgerInfos.prove(ledgerInfo, version, signal);
  // A node may give the root proof of a state that it has pruned.
  const lack = await lackOfState(site.node, version, signal);
  if (lack) throw lack;
  const records = await learnt.once(`items under ${rootHash}`, async () => {
    const count = await site.node.stateItemCount(version, signal);
    await requireItemCount(site, { version, records: count, rootHash }, signal);
    return `${count}`;
  });
  return {
    base: stateSnapshotFolderBase(epoch, version),
    first: '0',
    records: BigInt(records),
    rootHash,
    facts: { epoch: `${epoch}`, version: `${version}`, rootHash, proven },
    stream: streamOf(site.node, version),
  };
}

function streamOf(node: NodeClient, version: bigint, form?: StreamForm): RecordStream {
  return (first, count, signal) => node.stateChunk(version, first, count, signal, form);
}

/** What a chunk must fit: the last key before it, and the digest of the hashes right of that key. */
interface Edge {
  key: Uint8Array;
  outFrontier: string;
}

async function edgeBefore(
  { version }: SnapshotUnit,
  first: bigint,
  before: Receipt | undefined,
  { node }: RecordTools,
  signal: AbortSignal,
): Promise<Edge | undefined> {
  if (before?.kind === 'state_snapshot') {
    return { key: fromHex(before.last_key), outFrontier: before.out_frontier };
  }
  if (first === 0n) return undefined;
  const { key, right } = await stateEdge(node, BigInt(version), first - 1n, signal);
  return { key, outFrontier: frontierDigest(right) };
}

/**
 * A chunk is proven by frontiers: its leaves and the siblings right of its last key must give the root (first
 * chunk) or the siblings right of the key before it.
 */
function startChunk(
  { version, rootHash, proven }: SnapshotUnit,
  first: bigint,
  edge: Edge | undefined,
  { node, hasher }: RecordTools,
): OpenChunk {
  const verifier = new StateChunkVerifier(hasher, { firstIndex: first, previousKey: edge?.key });
  return {
    add: (block, from, to) => verifier.add(block, from, to),
    proof: {
      name: (last) => stateProofName(first, last),
      fetch: (_last, signal) => node.stateRangeProof(BigInt(version), verifier.lastKey, signal),
    },
    prove(last, bytes) {
      const step = verifier.prove(decodeStateRangeProof(bytes!), (given) =>
        edge
          ? 'inFrontier' in given && frontierDigest(given.inFrontier) === edge.outFrontier
          : 'root' in given && toHex(given.root) === rootHash,
      );
      if (!step.fits) {
        throw new AptosDataError(
          'STATE_PROOF_MISMATCH',
          `state items ${first} to ${last} of version ${version} do not prove to the root ${rootHash}`,
        );
      }
      return Promise.resolve({
        kind: 'state_snapshot',
        proven,
        first_key: toHex(verifier.firstKey),
        last_key: toHex(verifier.lastKey),
        out_frontier: frontierDigest(step.outFrontier),
        rightmost: step.isLast,
        ...('root' in step
          ? { root: toHex(step.root) }
          : { in_frontier: frontierDigest(step.inFrontier) }),
      });
    },
  };
}

/** The first chunk must prove to the root, each chunk must fit the one before it, and nothing may follow the last. */
function misfitsOfTree(
  { folder, rootHash }: SnapshotUnit,
  receipts: readonly StateReceipt[],
): ReadonlySet<Receipt> {
  const [first, last] = [receipts[0], receipts.at(-1)];
  const wrong = misfits(receipts);
  if (first && last) {
    if (first.root !== rootHash) wrong.add(first);
    if (!last.rightmost) wrong.add(last);
  } else if (toHex(SPARSE_MERKLE_PLACEHOLDER) !== rootHash) {
    throw new BackupError(
      'FRONTIER_MISMATCH',
      `${folder} has no chunks, but the state under root ${rootHash} is not empty`,
    );
  }
  return wrong;
}

/** Stores the proof of the root, too. */
async function manifest(
  unit: SnapshotUnit,
  receipts: readonly StateReceipt[],
  site: Site,
  signal: AbortSignal,
): Promise<NewManifest<'state_snapshot'>> {
  const { folder } = unit;
  const version = BigInt(unit.version);
  const { bytes, rootHash, ledgerInfo } = await fetchStateRoot(site, version, signal);
  if (rootHash !== unit.rootHash) {
    throw new BackupError(
      'NODE_LIED',
      `the node's root proof of version ${version} does not prove the root ${unit.rootHash}`,
    );
  }
  const proven = await site.ledgerInfos.prove(ledgerInfo, version, signal);
  const proof = await putFile(site.storage, folder, STATE_ROOT_PROOF, bytes, { replace: true });
  await requireKept(site.storage, proof.handle, bytes); // it has no receipt
  const made: StateSnapshotManifest = {
    version,
    epoch: BigInt(unit.epoch),
    rootHash,
    chunks: receipts.map((receipt) => ({
      firstIdx: BigInt(receipt.first),
      lastIdx: BigInt(receipt.last),
      firstKey: receipt.first_key,
      lastKey: receipt.last_key,
      blobs: `${folder}/${receipt.chunk.name}`,
      proof: `${folder}/${receipt.proof.name}`,
      extra: chunkExtra(receipt, proven),
    })),
    proof: proof.handle,
    extra: { proven },
  };
  const name = STATE_MANIFEST;
  return {
    name,
    bytes: encodeStateSnapshotManifest(made),
    content: contentOf(made),
    line: {
      type: 'StateSnapshotBackup',
      epoch: made.epoch,
      version,
      manifest: `${folder}/${name}`,
    },
  };
}

function contentOf(manifest: StateSnapshotManifest): Content<'state_snapshot'> {
  const { epoch, version, chunks } = manifest;
  return {
    range: { epoch: `${epoch}`, version: `${version}` },
    records: (chunks.at(-1)?.lastIdx ?? -1n) + 1n,
    chunks: chunks.map(({ blobs: file, extra }) => ({ file, extra })),
    extra: manifest.extra,
  };
}
