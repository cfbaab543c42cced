import { encodeDigested } from '../../lib/host/own-digest.js';
import { CHAIN_FILE_NAME, storedAnchor } from '../../repository/chain-file.js';
import { putFile } from '../../repository/stored-file.js';
import { OWN_FOLDER } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { StoredChain } from '../../verify/stored-chain.js';

/**
 * Makes our own folder in a storage that only the stock tool has written to: locks need it, and where we write, a
 * file names the chain. Returns why nothing may be written; undefined: all is well.
 */
export async function openOwnFolder(
  storage: BackupStorage,
  chain: StoredChain,
): Promise<string | undefined> {
  const genesis = chain.ending(0n)?.waypoint;
  if (genesis === undefined) return 'the epoch ending 0 is not stored, so its chain is not known';
  const named = await storedAnchor(storage);
  if (named === 'damaged') return 'the file that names its chain is damaged; verify says which';
  if (named) {
    if (named.genesis === genesis) return undefined;
    return `its chain file names genesis ${named.genesis}, the stored epoch ending 0 is ${genesis}`;
  }
  await storage.requireFit();
  const folder = await storage.createBackup(OWN_FOLDER);
  const content = encodeDigested({ genesis_waypoint: genesis, confirmed: chain.confirmed() });
  await putFile(storage, folder, CHAIN_FILE_NAME, content);
  return undefined;
}
