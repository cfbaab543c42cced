import { frontierDigest } from '../aptos/accumulator/frontier.js';
import {
  decodeStateRangeProof,
  decodeStateRootProof,
  verifyStateRoot,
} from '../aptos/chain/proofs.js';
import { AptosDataError } from '../aptos/errors.js';
import type { StateSnapshotManifest } from '../aptos/files/manifest.js';
import { fromHex, toHex } from '../aptos/hex.js';
import { StateChunkVerifier } from '../aptos/records/state-chunk.js';
import { canonicalFrontier } from '../aptos/state-tree/frontier.js';
import type { Proven } from '../plan/unit.js';
import type { UnitSlice } from '../plan/verify.js';
import type { Findings } from './findings.js';
import type { StoredChain } from './stored-chain.js';
import { type CheckTools, readChunk, readSmall } from './stored-records.js';

export interface CheckedSnapshot {
  /** Undefined when the root itself is not proven. */
  proven: Proven | undefined;
  records: number;
}

/**
 * Checks chunks of one state snapshot, and its root. Each chunk is proven by itself: its leaves and
 * the siblings right of them give what lies right of the key before it, which the proof of the chunk
 * before tells; so chunks are checked in any order and in parallel (docs/formats.md, State tree).
 */
export async function checkSnapshot(
  tools: CheckTools,
  slice: UnitSlice,
  manifest: StateSnapshotManifest,
  chain: StoredChain,
  findings: Findings,
): Promise<CheckedSnapshot> {
  if (slice.from === 0) compareLine(slice, manifest, findings);
  const proven = await checkRoot(tools, slice.manifest, manifest, chain, findings);
  let records = 0;
  for (let i = slice.from; i < slice.to; i += 1) {
    records += (await checkChunk(tools, slice.manifest, manifest, i, findings)) ?? 0;
  }
  return { proven, records };
}

function compareLine(slice: UnitSlice, manifest: StateSnapshotManifest, findings: Findings): void {
  const { epoch, version } = manifest;
  if (`${epoch}` === slice.first && `${version}` === slice.last) return;
  const why = `it says epoch ${slice.first}, version ${slice.last}, its manifest ${slice.manifest} epoch ${epoch}, version ${version}`;
  findings.add(slice.source, 'METADATA', why);
}

async function checkRoot(
  tools: CheckTools,
  manifestHandle: string,
  manifest: StateSnapshotManifest,
  chain: StoredChain,
  findings: Findings,
): Promise<Proven | undefined> {
  return findings.about(manifest.proof, manifestHandle, async () => {
    const { version, epoch, rootHash } = manifest;
    const proof = decodeStateRootProof(await readSmall(tools, manifest.proof));
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
    return chain.prove(proof.ledgerInfo);
  });
}

async function checkChunk(
  tools: CheckTools,
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
    await readChunk(tools, chunk.blobs, chunk.extra, verifier);
    const count = chunk.lastIdx - chunk.firstIdx + 1n;
    if (BigInt(verifier.count) !== count) {
      throw mismatch(`it has ${verifier.count} items, ${manifestHandle} says ${count}`);
    }
    const keys = [toHex(verifier.firstKey), toHex(verifier.lastKey)];
    if (keys[0] !== chunk.firstKey || keys[1] !== chunk.lastKey) {
      throw mismatch(
        `its first and last keys are ${keys.join(' and ')}, not those of ${manifestHandle}`,
      );
    }
    if (!right || (before && !edge)) return undefined;
    const step = verifier.prove(right);
    const fits =
      'root' in step
        ? toHex(step.root) === manifest.rootHash
        : frontierDigest(step.inFrontier) === frontierDigest(canonicalFrontier(edge!));
    if (!fits) {
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
