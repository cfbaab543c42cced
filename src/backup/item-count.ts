import { SPARSE_MERKLE_PLACEHOLDER } from '../aptos/hash/seeds.js';
import { toHex } from '../aptos/hex.js';
import { BackupError } from './errors.js';
import type { Site } from './site.js';
import { stateEdge } from './state-edge.js';

/**
 * Asks whether the last of so many state items is the last. The count is only said by the node; a wrong one
 * would come to light when all the state is stored, and cost all of it.
 * @throws BackupError NODE_LIED when more follow, NodeError NODE_SHORT when there are fewer
 */
export async function requireItemCount(
  { node, address }: Pick<Site, 'node' | 'address'>,
  state: { version: bigint; records: bigint; rootHash: string },
  signal: AbortSignal,
): Promise<void> {
  const { version, records, rootHash } = state;
  const wrong = (why: string) =>
    new BackupError(
      'NODE_LIED',
      `${address} counts ${records} state items at version ${version}, but ${why}`,
      true,
    );
  if (records === 0n) {
    if (rootHash === toHex(SPARSE_MERKLE_PLACEHOLDER)) return;
    throw wrong(`its state is not empty: its root is ${rootHash}`);
  }
  const { right } = await stateEdge(node, version, records - 1n, signal);
  if (right.length > 0) throw wrong('more follow');
}
