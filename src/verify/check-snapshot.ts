import {
  AptosDataError,
  canonicalFrontier,
  decodeStateRangeProof,
  decodeStateRootProof,
  formatWaypoint,
  fromHex,
  frontierDigest,
  naming,
  StateChunkVerifier,
  type StateSnapshotManifest,
  toHex,
  verifyStateRoot,
  waypointOf,
} from '../aptos/index.js';
import type { Proven } from '../contract/unit.js';
import type { UnitSlice } from '../contract/verification.js';
import type { Findings } from './findings.js';
import type { StoredChain } from './stored-chain.js';
import { type RecordTools, readChunk, readSmall } from './stored-records.js';

export interface CheckedSnapshot {
  /** How the state root is proven; undefined when the check of the root failed. */
  proven: Proven | undefined;
  /** Items in the chunks that are proven. */
  records: number;
  /** The epoch that the snapshot's ledger info ends, proven or not; absent when the two do not fit. */
  ended?: bigint;
}

/**
 * Checks the root of one state snapshot and the chunks of one slice. Each chunk is proven by itself: its
 * leaves and its out-frontier give its in-frontier, which must be the out-frontier of the chunk before.
 * The proof file of that chunk holds it, so chunks can be checked in any order and in parallel
 * (docs/formats.md, State tree).
 */
export async function checkSnapshot(
  tools: RecordTools,
  slice: UnitSlice,
  manifest: StateSnapshotManifest,
  chain: StoredChain,
  findings: Findings,
): Promise<CheckedSnapshot> {
  if (slice.from === 0) compareLine(slice, manifest, findings);
  let ended: bigint | undefined;
  const noteEnded = (epoch: bigint) => (ended = epoch);
  const proven = await checkRoot(tools, slice.manifest, manifest, chain, findings, noteEnded);
  let records = 0;
  for (let i = slice.from; i < slice.to; i += 1) {
    records += (await checkChunk(tools, slice.manifest, manifest, i, findings)) ?? 0;
  }
  return { proven, records, ...(ended === undefined ? {} : { ended }) };
}

function compareLine(slice: UnitSlice, manifest: StateSnapshotManifest, findings: Findings): void {
  const { epoch, version } = manifest;
  if (`${epoch}` === slice.first && `${version}` === slice.last) return;
  const why = `it says epoch ${slice.first}, version ${slice.last}, its manifest ${slice.manifest} epoch ${epoch}, version ${version}`;
  findings.add(slice.source, 'METADATA', why);
}

async function checkRoot(
  tools: RecordTools,
  manifestHandle: string,
  manifest: StateSnapshotManifest,
  chain: StoredChain,
  findings: Findings,
  noteEnded: (epoch: bigint) => void,
): Promise<Proven | undefined> {
  return findings.about(manifest.proof, manifestHandle, async () => {
    const { version, epoch, rootHash } = manifest;
    const bytes = await readSmall(tools, manifest.proof);
    const proof = naming(`version ${version}`, () => decodeStateRootProof(bytes));
    const root = toHex(verifyStateRoot(proof, version));
    if (root !== rootHash) {
      throw new AptosDataError('STATE_PROOF_MISMATCH', `it proves root ${root}, not ${rootHash}`);
    }
    const own = proof.ledgerInfo.ledgerInfo;
    const ends = chain.ending(epoch);
    if (own.epoch !== epoch || (ends && ends.version !== version)) {
      throw new AptosDataError(
        'EPOCH_MISMATCH',
        `it is of epoch ${own.epoch}${ends ? `, which ends at version ${ends.version}` : ''}; the manifest says epoch ${epoch}, version ${version}`,
      );
    }
    noteEnded(epoch);
    const proven = await chain.prove(proof.ledgerInfo);
    // A later proof of the stored ending must prove this ledger info too, so both must be the same.
    const actual = formatWaypoint(waypointOf(own));
    if (proven === 'not yet proven' && ends && ends.waypoint !== actual) {
      throw new AptosDataError(
        'EPOCH_MISMATCH',
        `its unsigned ledger info is ${actual}, the epoch ending ${epoch} in ${ends.file} is ${ends.waypoint}`,
      );
    }
    return proven;
  });
}

async function checkChunk(
  tools: RecordTools,
  manifestHandle: string,
  manifest: StateSnapshotManifest,
  index: number,
  findings: Findings,
): Promise<number | undefined> {
  const chunk = manifest.chunks[index]!;
  const before = manifest.chunks[index - 1];
  const right = await findings.about(chunk.proof, manifestHandle, async () =>
    decodeStateRangeProof(await readSmall(tools, chunk.proof, chunk.extra)),
  );
  const edge =
    before &&
    (await findings.about(before.proof, manifestHandle, async () =>
      decodeStateRangeProof(await readSmall(tools, before.proof, before.extra)),
    ));
  const verifier = new StateChunkVerifier(tools.hasher, {
    firstIndex: chunk.firstIdx,
    previousKey: before && fromHex(before.lastKey),
  });
  return findings.about(chunk.blobs, manifestHandle, async () => {
    const count = chunk.lastIdx - chunk.firstIdx + 1n;
    await readChunk(tools, chunk.blobs, chunk.extra, count, verifier);
    if (BigInt(verifier.count) !== count) {
      throw mismatch(`it has ${verifier.count} items, ${manifestHandle} says ${count}`);
    }
    const keys = [toHex(verifier.firstKey), toHex(verifier.lastKey)];
    const same = keys[0] === chunk.firstKey && keys[1] === chunk.lastKey;
    if (!same && !verifier.hasUnknownKeys) {
      throw mismatch(
        `its first and last keys are ${keys.join(' and ')}, not those of ${manifestHandle}`,
      );
    }
    if (!right || (before && !edge)) return undefined;
    const step = verifier.prove(right, (given) =>
      'root' in given
        ? toHex(given.root) === manifest.rootHash
        : frontierDigest(given.inFrontier) === frontierDigest(canonicalFrontier(edge!)),
    );
    if (!step.fits) {
      const proofs = [chunk.proof, ...(before ? [before.proof] : [])].join(' and ');
      throw mismatch(`it and ${proofs} do not prove to the root ${manifest.rootHash}`);
    }
    const isLast = index === manifest.chunks.length - 1;
    if (step.isLast !== isLast) {
      throw mismatch(
        isLast
          ? `more items belong behind it: ${manifestHandle} has lost chunks`
          : `nothing belongs behind it, but ${manifestHandle} names more chunks`,
      );
    }
    return verifier.count;
  });
}

function mismatch(why: string): AptosDataError {
  return new AptosDataError('STATE_PROOF_MISMATCH', why);
}
