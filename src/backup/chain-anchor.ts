import { formatWaypoint, parseWaypoint } from '../aptos/chain/waypoint.js';
import { AptosDataError } from '../aptos/errors.js';
import { MAX_MANIFEST_BYTES, decodeEpochEndingManifest } from '../aptos/files/manifest.js';
import { IDENTITY, readCatalog } from '../catalog/catalog.js';
import { NodeClient } from '../node/client.js';
import type { Anchor } from '../plan/unit.js';
import { StorageError } from '../storage/errors.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { nodeFault } from './node-fault.js';
import { encodeDigested, isIntact } from '../own-digest.js';
import { type Site, fetchGenesis } from './site.js';
import { putFile, readIfPresent, readOwn, storedObject } from './stored-file.js';

/** Our own folder beside `metadata`; says which chain a storage belongs to. */
const FILE = 'chain.json';
export const CHAIN_FILE = `${OWN_FOLDER}/${FILE}`;
const MAX_BYTES = 64 * 1024;

/** What a storage of the node's chain, or of none yet, tells of it. */
interface ChainFound {
  own: StoredAnchor;
  /** By our own file or by the backup of epoch 0; undefined: by neither. */
  stored: string | undefined;
}

/**
 * Checks that the storage belongs to the node's chain, or to none yet. Writes nothing.
 * @throws BackupError CHAIN_MISMATCH naming both chains, STORED_DAMAGED when nothing stored tells the chain any more
 */
export async function requireSameChain(site: Site, signal?: AbortSignal): Promise<ChainFound> {
  const own = await storedAnchor(site.storage, signal);
  // Our file comes before all others: whoever wrote it died in it, and nothing depends on it yet.
  if (own === 'damaged' && !(await hasMetadata(site.storage))) return { own, stored: undefined };
  const stored = isWritten(own) ? own.genesis : await stockGenesis(site, signal);
  if (own === 'damaged' && stored === undefined) throw unknownChain(site);
  if (stored !== undefined && stored !== site.genesis) {
    throw new BackupError(
      'CHAIN_MISMATCH',
      `${site.storage.description} holds backups of the chain with genesis ${stored}, but the node serves ${site.genesis}${site.network ? ` (${site.network})` : ''}; nothing was written. Use another storage or another node`,
      true,
    );
  }
  return { own, stored };
}

/**
 * The same, and writes down the chain where we have not yet. To be called
 * before anything else is written. @throws BackupError CHAIN_MISMATCH, also when other nodes of the
 * job are of another chain and nothing says which of the two is meant
 */
export async function anchorStorage(site: Site, signal?: AbortSignal): Promise<Anchor> {
  return writtenDown(site, await requireSameChain(site, signal), signal);
}

/** One that cannot be read is replaced: that the chain is the right one was seen elsewhere in the storage. */
async function writtenDown(
  site: Site,
  { own, stored }: ChainFound,
  signal?: AbortSignal,
): Promise<Anchor> {
  const anchor = currentAnchor(site);
  if (isWritten(own)) return anchor;
  if (stored === undefined) {
    if (!anchor.confirmed && site.network === undefined) await requireAgreement(site, signal);
    await site.storage.begin(signal);
  }
  const content = encodeDigested({
    genesis_waypoint: anchor.waypoint,
    ...(anchor.network === undefined ? {} : { network: anchor.network }),
    confirmed: anchor.confirmed,
  });
  const folder = await site.storage.createBackup(OWN_FOLDER, signal);
  const options = { replace: own === 'damaged', signal };
  const { outcome } = await putFile(site.storage, folder, FILE, content, options);
  if (stored !== undefined && !(await hasMetadata(site.storage))) {
    await site.storage.removeFile(CHAIN_FILE, signal); // it was unmounted in between
    throw emptied(site);
  }
  // Somebody else was first: look again whose chain it is.
  return outcome === 'exists' ? anchorStorage(site, signal) : anchor;
}

/**
 * Checks that a storage which was begun is still there: an unmounted one shows an empty folder, and
 * must not be taken for a new one. @throws BackupError STORAGE_EMPTIED, CHAIN_MISMATCH
 */
export async function requireBegun(site: Site, signal?: AbortSignal): Promise<Anchor> {
  const found = await requireSameChain(site, signal);
  // Our file alone was damaged or lost, when the backup of epoch 0 is there, or nothing is yet.
  if (found.stored !== undefined || found.own === 'damaged')
    return writtenDown(site, found, signal);
  throw emptied(site);
}

function emptied(site: Site): BackupError {
  const why = `${CHAIN_FILE} is gone from ${site.storage.description}, where backups were written before: it was unmounted or emptied; nothing is written before it is back`;
  return new BackupError('STORAGE_EMPTIED', why, true);
}

/** Whether a storage whose folder is there has any metadata but its identity. */
async function hasMetadata(storage: BackupStorage): Promise<boolean> {
  return (await storage.listMetadata()).some((handle) => handle !== IDENTITY);
}

/** A storage belongs for ever to the chain that is first written to it; nodes that do not answer have no say. */
async function requireAgreement(site: Site, signal?: AbortSignal): Promise<void> {
  for (const address of site.others) {
    const node = new NodeClient({ address, headersTimeoutMs: 10_000 });
    try {
      const genesis = await fetchGenesis(node, signal);
      if (genesis === site.genesis) continue;
      throw new BackupError(
        'CHAIN_MISMATCH',
        `the nodes are of different chains: ${site.address} serves genesis ${site.genesis}, ${address} serves ${genesis}, and ${site.storage.description} has no backups that say which is meant; nothing was written. Give nodes of one chain, or say which with network or a trusted waypoint`,
        false,
      );
    } catch (error) {
      if (!nodeFault(error)) throw error;
    } finally {
      node.close();
    }
  }
}

/** The genesis and whether a waypoint that somebody gave or that is built in vouches for it. */
export function currentAnchor(site: Site): Anchor {
  return {
    waypoint: site.genesis,
    confirmed: site.history.passedTrustedWaypoint(),
    ...(site.network === undefined ? {} : { network: site.network }),
  };
}

/** What our own file says; undefined: the storage was not begun by us. */
type StoredAnchor = { genesis: string } | 'damaged' | undefined;

function isWritten(own: StoredAnchor): own is { genesis: string } {
  return own !== undefined && own !== 'damaged';
}

/** The genesis waypoint that a storage of ours names, if it has been begun. */
export async function storedAnchor(
  storage: BackupStorage,
  signal?: AbortSignal,
): Promise<StoredAnchor> {
  const bytes = await readOwn(storage, CHAIN_FILE, MAX_BYTES, signal);
  if (!bytes) return undefined;
  try {
    const fields = storedObject(bytes, FILE);
    // Those of before had no digest, and a person may have written one.
    if (fields.optional('digest') !== undefined && !isIntact(bytes)) return 'damaged';
    return { genesis: formatWaypoint(parseWaypoint(fields.string('genesis_waypoint'))) };
  } catch (error) {
    if (error instanceof AptosDataError) return 'damaged';
    throw error;
  }
}

function unknownChain({ storage, genesis, address }: Site): BackupError {
  return new BackupError(
    'STORED_DAMAGED',
    `${CHAIN_FILE} in ${storage.description} cannot be read, and there is no backup of epoch 0 that says which chain the storage belongs to. ` +
      `If it is that of ${address}, replace what is in it by {"genesis_waypoint":"${genesis}"}`,
    false,
  );
}

/** The chain by the backup of epoch 0, wherever named: of a storage that the stock tool began, or whose own file is lost. */
async function stockGenesis(site: Site, signal?: AbortSignal): Promise<string | undefined> {
  for (const { firstEpoch, manifest } of await epochEndings(site.storage, signal)) {
    if (firstEpoch !== 0n) continue;
    const bytes = await readIfPresent(site.storage, manifest, MAX_MANIFEST_BYTES, signal);
    const genesis = bytes && firstWaypoint(bytes);
    if (genesis !== undefined) return genesis;
  }
  return undefined;
}

/** A damaged manifest tells nothing; verification finds it. */
function firstWaypoint(manifest: Uint8Array): string | undefined {
  try {
    return decodeEpochEndingManifest(manifest).waypoints[0];
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

async function epochEndings(storage: BackupStorage, signal?: AbortSignal) {
  try {
    return (await readCatalog(storage, signal)).epochEndings;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'STORAGE_MISSING') return [];
    throw error;
  }
}
