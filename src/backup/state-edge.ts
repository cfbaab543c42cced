import { decodeStateRangeProof } from '../aptos/chain/proofs.js';
import { AptosDataError } from '../aptos/errors.js';
import { stateRecordKeyHash } from '../aptos/records/state-key.js';
import { canonicalFrontier } from '../aptos/state-tree/frontier.js';
import type { NodeClient } from '../node/client.js';
import { readRecords } from './record-stream.js';

/** The key of one state item and what lies right of it, as the node says; nothing when it is the last. */
export async function stateEdge(
  node: NodeClient,
  version: bigint,
  index: bigint,
  signal: AbortSignal,
): Promise<{ key: Uint8Array; right: Uint8Array[] }> {
  for await (const record of readRecords(node.stateChunk(version, index, 1n, signal))) {
    const key = stateRecordKeyHash(record);
    const proof = decodeStateRangeProof(await node.stateRangeProof(version, key, signal));
    return { key, right: canonicalFrontier(proof) };
  }
  throw new AptosDataError('RECORD_INVALID', `the node sent no state item ${index}`);
}
