import { SPARSE_MERKLE_PLACEHOLDER, toHex } from '../../../aptos/index.js';
import { BackupError } from '../../../errors/backup-error.js';
import type { Site } from '../../../site/site.js';
import { stateEdge } from '../../../site/state-edge.js';

/**
 * Checks the node's count of state items: the last one must have nothing right of it. Otherwise a wrong count would
 * show only after the whole state was stored.
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
    );
  if (records === 0n) {
    if (rootHash === toHex(SPARSE_MERKLE_PLACEHOLDER)) return;
    throw wrong(`its state is not empty: its root is ${rootHash}`);
  }
  const { right } = await stateEdge(node, version, records - 1n, signal);
  if (right.length > 0) throw wrong('more follow');
}
