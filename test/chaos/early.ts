import type { EpochEndingEntry } from '../../src/repository/catalog.js';
import type { Finding } from '../../src/contract/answers/verify-answers.js';

/**
 * The epoch endings that are stored without a gap: the first epoch after them, and the version at which
 * they end.
 */
export interface Endings {
  epochs: bigint;
  version: bigint;
}

/** The missing epoch ending that a finding names. For an epoch ending, it is the one before. */
const WAITS_FOR = /the epoch ending (\d+) (?:that names its signers )?is not stored/;
const WAITS_BEFORE = /the ledger info that ends epoch (\d+) is signed by validators that no stored/;
/**
 * The finding for data above a gap in the epoch endings. Its object is the chunk where the data begins.
 */
const OPEN = 'it is unsigned history, and no trusted waypoint or signed history above it proves it';

/** Finds them in the metadata, in the order of the catalog. */
export function storedEndings(entries: readonly EpochEndingEntry[]): Endings {
  let endings: Endings = { epochs: 0n, version: -1n };
  for (const { firstEpoch, lastEpoch, lastVersion } of entries) {
    if (firstEpoch > endings.epochs) break;
    if (lastEpoch >= endings.epochs) endings = { epochs: lastEpoch + 1n, version: lastVersion };
  }
  return endings;
}

/** Whether something is unproven only because it comes after the last stored epoch ending. */
export function isEarly({ object, code, why }: Finding, { epochs, version }: Endings): boolean {
  if (code !== 'UNPROVEN') return false;
  const [, ending] = WAITS_FOR.exec(why) ?? [];
  if (ending !== undefined) return BigInt(ending) >= epochs;
  const [, own] = WAITS_BEFORE.exec(why) ?? [];
  if (own !== undefined) return BigInt(own) > epochs;
  const [, first] = /^transaction_.*\/(\d+)-\.chunk$/.exec(object) ?? [];
  return why === OPEN && first !== undefined && BigInt(first) > version;
}
