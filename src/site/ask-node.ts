import type { JobSettings, StorageConfig } from '../contract/job.js';
import { BackupError } from '../errors/backup-error.js';
import { codeOf } from '../errors/catalogue.js';
import { requireSameChain } from './chain-anchor.js';
import { openSite } from './site.js';

/** What a node says of itself. */
export interface NodeFacts {
  address: string;
  epoch: bigint;
  version: bigint;
  genesis: string;
  network: string | undefined;
  /** Whether a waypoint that was given or is built in confirms the genesis. */
  isTrusted: boolean;
}

/**
 * Asks a node what it has, and checks that its chain is the one that is wanted: by the network, by trusted waypoints,
 * and by what the storage has. `folder` gets the epochs that are verified for it.
 * @throws NodeError, BackupError
 */
export async function askNode(
  address: string,
  wanted: {
    network: string | undefined;
    trustWaypoints: readonly string[];
    storage: StorageConfig | undefined;
  },
  folder: string,
  signal: AbortSignal,
): Promise<NodeFacts> {
  const { storage = { local_fs_dir: folder }, ...rest } = wanted;
  const settings = { ...rest, nodes: [address], storage, maxChunkSize: 1 } as JobSettings;
  const site = await openSite(settings, address, folder, signal);
  try {
    const state = await site.node.dbState(signal);
    if (!state) throw new BackupError('NODE_BEHIND', 'the node has no data yet');
    await requireSameChain(site).catch((error: unknown) => {
      // What else is wrong with the storage is told of the storage.
      if (codeOf(error) === 'CHAIN_MISMATCH') throw error;
    });
    const { genesis, network, history } = site;
    const isTrusted = history.passedTrustedWaypoint();
    const { epoch, committedVersion: version } = state;
    return { address, epoch, version, genesis, network, isTrusted };
  } finally {
    site.node.close();
  }
}
