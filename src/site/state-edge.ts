import {
  AptosDataError,
  canonicalFrontier,
  decodeStateRangeProof,
  naming,
  readRecords,
  stateRecordKeyHash,
} from '../aptos/index.js';
import type { NodeClient } from '../node/client.js';

/**
 * The key hash of state item `index` at `version`, and the frontier right of it (`right`, empty when it is the last
 * item; docs/formats.md, State tree). Both are as the node says, not proven. @throws NodeError, AptosDataError
 */
export async function stateEdge(
  node: NodeClient,
  version: bigint,
  index: bigint,
  signal: AbortSignal,
): Promise<{ key: Uint8Array; right: Uint8Array[] }> {
  for await (const record of readRecords(node.stateChunk(version, index, 1n, signal))) {
    const key = naming(`state item ${index} of version ${version}`, () =>
      stateRecordKeyHash(record),
    );
    const proof = decodeStateRangeProof(await node.stateRangeProof(version, key, signal));
    return { key, right: canonicalFrontier(proof) };
  }
  throw new AptosDataError('RECORD_INVALID', `the node sent no state item ${index}`);
}
