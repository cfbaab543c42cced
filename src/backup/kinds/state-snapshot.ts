import { frontierDigest } from '../../aptos/accumulator/frontier.js';
import { decodeStateRangeProof } from '../../aptos/chain/proofs.js';
import { AptosDataError } from '../../aptos/errors.js';
import { stateProofName } from '../../aptos/files/names.js';
import type { BatchHasher } from '../../aptos/hash/batch-hasher.js';
import { fromHex, toHex } from '../../aptos/hex.js';
import { StateChunkVerifier } from '../../aptos/records/state-chunk.js';
import type { NodeClient } from '../../node/client.js';
import type { Unit } from '../../plan/unit.js';
import { stateEdge } from '../state-edge.js';
import type { RecordKind } from './kind.js';

/** The edge that a chunk has to fit to: the last key before it and what lies right of that key. */
interface Edge {
  key: Uint8Array;
  outFrontier: string;
}

/**
 * State items of one snapshot. A chunk is proven by frontiers: its leaves and the siblings right of
 * its last key must give the root (first chunk) or the siblings right of the key before it.
 */
export function stateSnapshotKind(
  node: NodeClient,
  hasher: BatchHasher,
  snapshot: NonNullable<Unit['snapshot']>,
): RecordKind {
  const version = BigInt(snapshot.version);

  async function edgeBefore(first: bigint, signal: AbortSignal): Promise<Edge> {
    const { key, right } = await stateEdge(node, version, first - 1n, signal);
    return { key, outFrontier: frontierDigest(right) };
  }

  return {
    stream: (first, count, signal) => node.stateChunk(version, first, count, signal),
    async startChunk(first, before, signal) {
      let edge: Edge | undefined;
      if (before) edge = { key: fromHex(before.last_key!), outFrontier: before.out_frontier! };
      else if (first > 0n) edge = await edgeBefore(first, signal);
      const verifier = new StateChunkVerifier(hasher, {
        firstIndex: first,
        previousKey: edge?.key,
      });
      return {
        add: (block, from, to) => verifier.add(block, from, to),
        proofName: (last) => stateProofName(first, last),
        fetchProof: (_last, proofSignal) =>
          node.stateRangeProof(version, verifier.lastKey, proofSignal),
        prove(last, bytes) {
          const step = verifier.prove(decodeStateRangeProof(bytes!));
          const fits = edge
            ? 'inFrontier' in step && frontierDigest(step.inFrontier) === edge.outFrontier
            : 'root' in step && toHex(step.root) === snapshot.rootHash;
          if (!fits) {
            throw new AptosDataError(
              'STATE_PROOF_MISMATCH',
              `state items ${first} to ${last} of version ${version} do not prove to the root ${snapshot.rootHash}`,
            );
          }
          return Promise.resolve({
            proven: snapshot.proven,
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
    },
  };
}
