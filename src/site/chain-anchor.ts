import {
  CHAIN_FILE,
  CHAIN_FILE_NAME,
  type StoredAnchor,
  isWritten,
  storedAnchor,
} from '../repository/chain-file.js';
import { hasMetadata, requireMetadata, storedGenesis } from '../repository/stored-genesis.js';
import { NodeClient } from '../node/client.js';
import type { Anchor } from '../contract/unit.js';
import { OWN_FOLDER } from '../storage/handles.js';
import { BackupError, storageEmptied } from '../errors/backup-error.js';
import { nodeFault } from './node-fault.js';
import { encodeDigested } from '../lib/host/own-digest.js';
import { type Site, fetchGenesis } from './site.js';
import { putFile } from '../repository/stored-file.js';
import { ensureIdentity } from '../repository/unit-folder.js';

/** What a storage says about the chain that it belongs to. */
interface ChainFound {
  /** The chain file. */
  own: StoredAnchor;
  /** Genesis waypoint by the chain file or the backup of epoch 0; undefined when neither says it. */
  stored: string | undefined;
}

/**
 * Checks that the storage belongs to the chain of the node, or to no chain yet. Writes nothing.
 * @throws BackupError CHAIN_MISMATCH, which names both chains; STORED_DAMAGED when the chain file cannot be read and
 * no backup of epoch 0 says which chain it is
 */
export async function requireSameChain(site: Site): Promise<ChainFound> {
  const own = await storedAnchor(site.storage);
  // We write the chain file before any backup. Damaged and without metadata: its writer died, and no backup needs it.
  if (own === 'damaged' && !(await hasMetadata(site.storage))) return { own, stored: undefined };
  const stored = isWritten(own) ? own.genesis : await storedGenesis(site.storage);
  if (own === 'damaged' && stored === undefined) throw unknownChain(site);
  if (stored !== undefined && stored !== site.genesis) {
    throw new BackupError(
      'CHAIN_MISMATCH',
      `${site.storage.description} holds backups of the chain with genesis ${stored}, but the node serves ${site.genesis}${site.network ? ` (${site.network})` : ''}; nothing was written. Use another storage or another node`,
    );
  }
  return { own, stored };
}

/**
 * The same for what follows a plan, which has written down the chain. Writes nothing, and lets nobody write into the
 * bare mount point of a storage that was unmounted meanwhile. @throws BackupError also STORAGE_EMPTIED
 */
export async function requirePlanned(site: Site): Promise<void> {
  const { stored } = await requireSameChain(site);
  if (stored === undefined) throw emptied(site);
}

/**
 * Makes the same check as `requireSameChain`, and writes the chain file if it is not there or cannot be read
 * (docs/formats.md, Our own files). Call it before anything else is written. @throws BackupError CHAIN_MISMATCH, also
 * when other nodes of the job serve another chain and nothing says which one is meant; STORED_DAMAGED, STORAGE_EMPTIED
 */
export async function anchorStorage(site: Site, signal?: AbortSignal): Promise<Anchor> {
  const found = await requireSameChain(site);
  await requireMetadata(site.storage, found.own);
  return writtenDown(site, found, signal);
}

/** Writes the chain file. Replaces one that cannot be read: the caller has checked the chain by other means. */
async function writtenDown(
  site: Site,
  { own, stored }: ChainFound,
  signal?: AbortSignal,
): Promise<Anchor> {
  const anchor = currentAnchor(site);
  if (stored !== undefined) await site.storage.requireFit();
  if (isWritten(own)) return anchor;
  if (stored === undefined) {
    if (!anchor.confirmed && site.network === undefined) await requireAgreement(site, signal);
    await site.storage.begin();
  }
  // Metadata first, then the chain file: a chain file without metadata then means that somebody removed the metadata.
  await ensureIdentity(site.storage);
  const content = encodeDigested({
    genesis_waypoint: anchor.waypoint,
    ...(anchor.network === undefined ? {} : { network: anchor.network }),
    confirmed: anchor.confirmed,
  });
  const folder = await site.storage.createBackup(OWN_FOLDER);
  const options = { replace: own === 'damaged' };
  const { outcome } = await putFile(site.storage, folder, CHAIN_FILE_NAME, content, options);
  if (stored !== undefined && !(await hasMetadata(site.storage))) {
    await site.storage.removeFile(CHAIN_FILE); // it was unmounted in between
    throw emptied(site);
  }
  // Another process wrote the file first, perhaps for another chain: check again.
  return outcome === 'exists' ? anchorStorage(site, signal) : anchor;
}

/**
 * Checks that a storage into which we wrote before is still there. An unmounted storage shows an empty folder; we
 * must not begin a new storage in it. @throws BackupError STORAGE_EMPTIED, CHAIN_MISMATCH, STORED_DAMAGED
 */
export async function requireBegun(site: Site, signal?: AbortSignal): Promise<Anchor> {
  const found = await requireSameChain(site);
  await requireMetadata(site.storage, found.own);
  // The chain file is whole, or only that file was damaged or lost: then it is written again.
  if (found.stored !== undefined || found.own === 'damaged')
    return writtenDown(site, found, signal);
  throw emptied(site);
}

function emptied(site: Site): BackupError {
  return storageEmptied(
    `${site.storage.description} is not as it was left (${CHAIN_FILE} is gone): it was unmounted, removed or emptied`,
  );
}

/**
 * Checks that the other nodes of the job serve the same genesis. The first write binds a storage to one chain for
 * ever. Nodes that do not answer are left out. @throws BackupError CHAIN_MISMATCH
 */
async function requireAgreement(site: Site, signal?: AbortSignal): Promise<void> {
  for (const address of site.others) {
    const node = new NodeClient({
      address,
      headersTimeoutMs: 10_000,
      gate: site.gateTo(address),
    });
    try {
      const genesis = await fetchGenesis(node, signal);
      if (genesis === site.genesis) continue;
      throw new BackupError(
        'NODES_DISAGREE',
        `the nodes are of different chains: ${site.address} serves genesis ${site.genesis}, ${address} serves ${genesis}, and ${site.storage.description} has no backups that say which is meant; nothing was written. Give nodes of one chain, or say which with network or a trusted waypoint`,
      );
    } catch (error) {
      if (!nodeFault(error)) throw error;
    } finally {
      node.close();
    }
  }
}

/** The genesis of the node's chain, and whether a trusted waypoint (given or built in) confirms it. */
export function currentAnchor(site: Site): Anchor {
  return {
    waypoint: site.genesis,
    confirmed: site.history.passedTrustedWaypoint(),
    ...(site.network === undefined ? {} : { network: site.network }),
  };
}

function unknownChain({ storage, genesis, address }: Site): BackupError {
  return new BackupError(
    'STORED_DAMAGED',
    `${CHAIN_FILE} in ${storage.description} cannot be read, and there is no backup of epoch 0 that says which chain the storage belongs to. ` +
      `If it is that of ${address}, replace what is in it by {"genesis_waypoint":"${genesis}"}`,
  );
}
