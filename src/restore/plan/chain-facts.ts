import { createBatchHasher } from '../../aptos/index.js';
import type { RestorePlan } from '../../contract/answers/restore-answers.js';
import { type Span, meet } from '../../lib/spans.js';
import { spansOf } from '../../contract/unusable.js';
import { type BackupEntry, spanOfEntry } from '../../repository/catalog.js';
import type { VerifySettings } from '../../contract/verification.js';
import type { BackupStorage } from '../../storage/storage.js';
import { readChain } from '../../verify/read-chain.js';
import type { StoredChain } from '../../verify/stored-chain.js';

const MOST_WHY = 5;

export interface ChainFacts {
  chain: StoredChain;
  why: string[];
  /** Whether a backup of epoch endings was found damaged or wrong. */
  isDamaged: (entry: BackupEntry) => boolean;
}

/** Reads the stored epoch endings and checks their signatures. @throws StorageError, BackupError */
export async function readChainFacts(
  storage: BackupStorage,
  settings: VerifySettings,
  onProgress: (more: { bytes: number; objects: number }) => void,
): Promise<ChainFacts> {
  const tools = { storage, hasher: createBatchHasher(), onProgress };
  const { chain, result } = await readChain(tools, settings);
  const hurt: Span[] = spansOf(result.unusable?.epochs ?? []);
  return {
    chain,
    why: result.findings.slice(0, MOST_WHY).map(({ object, why }) => `${object}: ${why}`),
    isDamaged: (entry) =>
      entry.type === 'EpochEndingBackup' && hurt.some((one) => meet(one, spanOfEntry(entry))),
  };
}

/**
 * The waypoints that help a restore up to `target`: those that are trusted, as far as an epoch of this chain ends
 * there, and the genesis and the newest ending from the storage itself.
 */
export function waypointsFor(
  { chain }: ChainFacts,
  given: readonly string[],
  target: bigint,
): RestorePlan['waypoints'] {
  const epochs = chain.epochs().filter((epoch) => chain.ending(epoch)!.version <= target);
  const newest = epochs.at(-1);
  return epochs.flatMap((epoch) => {
    const { version, waypoint } = chain.ending(epoch)!;
    const trusted = chain.trusted.at(version);
    if (trusted === undefined && epoch !== 0n && epoch !== newest) return [];
    const known = given.includes(waypoint) ? ('given' as const) : ('built in' as const);
    return [{ waypoint, epoch: `${epoch}`, from: trusted === undefined ? 'storage' : known }];
  });
}

export function describeChain(
  { chain, why }: ChainFacts,
  target: bigint,
): NonNullable<RestorePlan['chain']> {
  const genesis = chain.ending(0n)?.waypoint;
  const newest = chain
    .epochs()
    .map((epoch) => chain.ending(epoch)!)
    .findLast(({ version }) => version <= target)?.waypoint;
  return {
    ...(genesis === undefined ? {} : { genesis }),
    confirmed: chain.confirmed(),
    ...(newest === undefined ? {} : { newest }),
    why,
  };
}
