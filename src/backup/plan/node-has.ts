import { BackupError } from '../../errors/backup-error.js';
import type { NodeClient } from '../../node/client.js';
import { NodeError } from '../../node/node-error.js';
import type { Site } from '../../site/site.js';

/** The node's newest epoch and version. @throws BackupError NODE_BEHIND while its database is empty */
export async function nodeState(node: NodeClient, signal: AbortSignal) {
  const state = await node.dbState(signal);
  if (!state) throw behind('an empty database (it is not bootstrapped)');
  return state;
}

/**
 * Requires that an epoch has ended. A node reports the epoch of its newest ledger info. That ledger info may itself
 * end the epoch, so for the newest epoch we ask the node for the ending. @throws BackupError NODE_BEHIND
 */
export async function requireEnded(site: Site, epoch: bigint, signal: AbortSignal): Promise<void> {
  const { epoch: newest } = await nodeState(site.node, signal);
  if (epoch < newest) return;
  const open = behind(`epoch ${newest} still open, but the end of epoch ${epoch} was asked for`);
  if (epoch > newest) throw open;
  try {
    await site.history.ending(epoch, signal);
  } catch (error) {
    throw error instanceof NodeError && error.code === 'NODE_SHORT' ? open : error;
  }
}

/** NODE_BEHIND: what the node has, and what was asked for. */
export function behind(has: string): BackupError {
  return new BackupError('NODE_BEHIND', `the node has ${has}; wait for the node or ask for less`);
}
