import { formatWaypoint, KNOWN_NETWORKS } from '../../aptos/index.js';
import { BackupError, storageEmptied } from '../../errors/backup-error.js';
import { encodeDigested, isIntact } from '../../lib/host/own-digest.js';
import type { Catalog } from '../../repository/catalog.js';
import {
  CHAIN_FILE,
  CHAIN_FILE_NAME,
  type StoredAnchor,
  isWritten,
  storedAnchor,
} from '../../repository/chain-file.js';
import { IDENTITY } from '../../repository/metadata-file.js';
import { hasMetadata, requireMetadata, storedGenesis } from '../../repository/stored-genesis.js';
import { putFile, readOwn } from '../../repository/stored-file.js';
import { ensureIdentity } from '../../repository/unit-folder.js';
import { OWN_FOLDER } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { CopyEnds } from './copy-ends.js';
import { backupsOf } from './read-target.js';

const MAX_BYTES = 64 * 1024;

/** The genesis of a storage's chain, by its chain file or its backup of epoch 0; undefined when neither says it. */
export async function genesisOf(storage: BackupStorage): Promise<string | undefined> {
  return genesisWith(storage, await storedAnchor(storage));
}

async function genesisWith(storage: BackupStorage, own: StoredAnchor) {
  return isWritten(own) ? own.genesis : storedGenesis(storage);
}

/**
 * Makes the target ready for backups of the source's chain: begins a new storage, or checks that the one that is there
 * is of this chain. Returns the genesis. `shares`: whether the target has a backup of this source already.
 * @throws BackupError CHAIN_MISMATCH, METADATA_REMOVED, STORED_DAMAGED; nothing was written then
 */
export async function prepareTarget(
  { from, to }: CopyEnds,
  target: Catalog | undefined,
  shares: boolean,
  network: string | undefined,
): Promise<string | undefined> {
  const genesis = await genesisOf(from);
  const own = await storedAnchor(to);
  const theirs = await genesisWith(to, own);
  const holds = target !== undefined && backupsOf(target) > 0;
  if (own === 'damaged' && theirs === undefined && holds) throw unknownChain(to);
  requireSame({ from, to }, genesis, theirs);
  if (holds && !shares && (genesis === undefined || theirs === undefined)) {
    const [silent] = genesis === undefined ? [from] : [to];
    const why = `nothing in ${silent.description} says of which chain it is: it has neither ${CHAIN_FILE} nor the backup of epoch 0; nothing was copied. Use an empty target`;
    throw new BackupError('CHAIN_MISMATCH', why);
  }
  await requireMetadata(to, own);
  if (target === undefined || target.files === 0) await to.begin();
  else await to.requireFit();
  await ensureIdentity(to);
  const folder = await to.createBackup(OWN_FOLDER); // locks are in it, too
  if (genesis === undefined || isWritten(own)) return genesis;
  const content = await chainFile(from, genesis, network);
  const { outcome } = await putFile(to, folder, CHAIN_FILE_NAME, content, {
    replace: own === 'damaged',
  });
  // Another process was faster, perhaps for another chain: look again.
  return outcome === 'exists' ? prepareTarget({ from, to }, target, shares, network) : genesis;
}

/** Checks that two storages do not hold backups of different chains. @throws BackupError CHAIN_MISMATCH */
export async function requireOneChain({ from, to }: CopyEnds): Promise<void> {
  requireSame({ from, to }, await genesisOf(from), await genesisOf(to));
}

function requireSame({ from, to }: CopyEnds, genesis?: string, theirs?: string): void {
  if (genesis === undefined || theirs === undefined || genesis === theirs) return;
  const why = `${to.description} holds backups of the chain with genesis ${theirs}, ${from.description} those of ${genesis}; nothing was copied. Use another target`;
  throw new BackupError('CHAIN_MISMATCH', why);
}

/** The chain file of the source, or one that says what its backup of epoch 0 says. */
async function chainFile(
  from: BackupStorage,
  genesis: string,
  given: string | undefined,
): Promise<Uint8Array> {
  const bytes = await readOwn(from, CHAIN_FILE, MAX_BYTES);
  if (bytes && isIntact(bytes) && isWritten(await storedAnchor(from))) return bytes;
  const known = KNOWN_NETWORKS.find(
    (one) => one.genesis && formatWaypoint(one.genesis) === genesis,
  );
  const network = known?.name ?? given;
  return encodeDigested({
    genesis_waypoint: genesis,
    ...(network === undefined ? {} : { network }),
    confirmed: known !== undefined,
  });
}

/** Checks that the target is still the storage that the copy has begun. @throws BackupError STORAGE_EMPTIED */
export async function requirePrepared(
  to: BackupStorage,
  genesis: string | undefined,
): Promise<void> {
  if (genesis === undefined) {
    if ((await to.stat(IDENTITY)) !== undefined || (await hasMetadata(to))) return;
    throw emptied(to, IDENTITY);
  }
  const own = await storedAnchor(to);
  if (isWritten(own) && own.genesis === genesis) return;
  throw emptied(to, CHAIN_FILE);
}

function emptied(to: BackupStorage, file: string): BackupError {
  return storageEmptied(
    `${file} is gone from ${to.description}, or names another chain than when the copy began: it was unmounted or emptied`,
  );
}

function unknownChain({ description }: BackupStorage): BackupError {
  const why = `${CHAIN_FILE} in ${description} cannot be read, and there is no backup of epoch 0 that says which chain the storage belongs to; nothing was copied. Repair that file, or use another target`;
  return new BackupError('STORED_DAMAGED', why);
}
