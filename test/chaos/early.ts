import type { EpochEndingEntry } from '../../src/catalog/catalog.js';
import type { Finding } from '../../src/plan/verify.js';

/** The epoch endings that are stored without a gap: up to which epoch, exclusive, and which version. */
export interface Endings {
  epochs: bigint;
  version: bigint;
}

/** The epoch ending that something waits for, as a finding names it; of an epoch ending, the one before. */
const WAITS_FOR = /the epoch ending (\d+) (?:that names its signers )?is not stored/;
const WAITS_BEFORE = /the ledger info that ends epoch (\d+) is signed by validators that no stored/;
/** Behind a gap in the epoch endings; the object is the chunk where it begins. */
const OPEN = 'it is unsigned history, and no trusted waypoint or signed history above it proves it';

/** By the metadata, as the catalog sorts it. */
export function storedEndings(entries: readonly EpochEndingEntry[]): Endings {
  let endings: Endings = { epochs: 0n, version: -1n };
  for (const { firstEpoch, lastEpoch, lastVersion } of entries) {
    if (firstEpoch > endings.epochs) break;
    if (lastEpoch >= endings.epochs) endings = { epochs: lastEpoch + 1n, version: lastVersion };
  }
  return endings;
}

/** Whether something is unproven only because it lies behind the last epoch ending that is stored. */
export function isEarly({ object, code, why }: Finding, { epochs, version }: Endings): boolean {
  if (code !== 'UNPROVEN') return false;
  const [, ending] = WAITS_FOR.exec(why) ?? [];
  if (ending !== undefined) return BigInt(ending) >= epochs;
  const [, own] = WAITS_BEFORE.exec(why) ?? [];
  if (own !== undefined) return BigInt(own) > epochs;
  const [, first] = /^transaction_.*\/(\d+)-\.chunk$/.exec(object) ?? [];
  return why === OPEN && first !== undefined && BigInt(first) > version;
}
