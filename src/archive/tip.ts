import type { Endings } from './endings.js';
import type { Holdings } from './holdings.js';
import { DamagedFile } from './not-served.js';
import type { Transactions } from './transactions.js';

/** The newest ledger info that a node has: what it answers to `db_state`. */
export interface Tip {
  epoch: bigint;
  version: bigint;
}

/**
 * The tip that an archive may claim, so that everything up to it can be asked for and proven. Undefined when nothing
 * is stored.
 *
 * - Clients take every epoch below `epoch` as ended, and ask for its ending. So `epoch` follows the newest ending.
 * - Up to `version`, transactions are stored, and the endings that are stored name the validators of their ledger
 *   infos. Versions beyond, whose epoch nobody could check, are not claimed.
 *
 * `onDamage` is told of a newest backup that cannot be used. The one before it then gives the version.
 */
export async function tipOf(
  holdings: Holdings,
  endings: Endings,
  transactions: Transactions,
  onDamage: (error: unknown) => void,
): Promise<Tip | undefined> {
  const newest = await newestUsable(holdings, transactions, onDamage);
  const { lastEpoch } = holdings;
  if (lastEpoch === undefined) return newest;
  const epoch = lastEpoch + 1n;
  const ended = await endings.versionOf(lastEpoch).catch((error: unknown) => {
    if (!(error instanceof DamagedFile)) throw error;
    onDamage(error);
    return undefined;
  });
  if (!newest) return { epoch, version: ended ?? 0n };
  const isCheckable = newest.epoch <= epoch || ended === undefined || ended > newest.version;
  return { epoch, version: isCheckable ? newest.version : ended };
}

/** The newest version whose proof can be read, and the epoch of its ledger info. */
async function newestUsable(
  holdings: Holdings,
  transactions: Transactions,
  onDamage: (error: unknown) => void,
): Promise<Tip | undefined> {
  let version = holdings.lastVersion;
  while (version !== undefined && version >= 0n) {
    try {
      return { epoch: await transactions.epochProving(version), version };
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
      onDamage(error);
    }
    version = holdings.lastVersionBelow(version);
  }
  return undefined;
}
