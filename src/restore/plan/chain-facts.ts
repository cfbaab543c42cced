import { createBatchHasher } from '../../aptos/index.js';
import type { RestorePlan } from '../../contract/answers/restore-answers.js';
import { type Span, meet } from '../../lib/spans.js';
import { spansOf, textsOf } from '../../contract/unusable.js';
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
 * The epochs of unsigned history that a restore up to `target` reads: from the first to the last of them; undefined:
 * none. The transactions of the target are signed if the ending of their epoch is. Behind a hole, nobody knows.
 */
export function unsignedUpTo({ chain }: ChainFacts, target: bigint): Span | undefined {
  const epochs = chain.epochs();
  const end = epochs.findIndex((epoch) => chain.ending(epoch)!.version >= target);
  const unsigned = epochs
    .slice(0, end === -1 ? undefined : end + 1)
    .filter((epoch) => chain.ending(epoch)!.proven === 'not yet proven')
    .filter((epoch) => chain.ending(epoch - 1n) !== undefined);
  const [first, last] = [unsigned[0], unsigned.at(-1)];
  return first === undefined || last === undefined ? undefined : { first, last };
}

/**
 * The waypoints that help a restore up to `target`: those that are trusted, as far as an epoch of this chain ends
 * there, and the genesis and the newest ending from the storage itself. A tool that takes unsigned history needs the
 * highest one that is trusted, also above the target.
 */
export function waypointsFor(
  facts: ChainFacts,
  given: readonly string[],
  target: bigint,
): RestorePlan['waypoints'] {
  const { chain } = facts;
  const { trusted } = chain;
  const epochs = chain.epochs().filter((epoch) => chain.ending(epoch)!.version <= target);
  const newest = epochs.at(-1);
  const sourceOf = (waypoint: string) =>
    given.includes(waypoint) ? ('given' as const) : ('built in' as const);
  const listed = epochs.flatMap((epoch) => {
    const { version, waypoint } = chain.ending(epoch)!;
    const isTrusted = trusted.at(version) !== undefined;
    if (!isTrusted && epoch !== 0n && epoch !== newest) return [];
    const from = isTrusted ? sourceOf(waypoint) : ('storage' as const);
    return [{ waypoint, epoch: `${epoch}`, from }];
  });
  const { highest } = trusted;
  if (highest === undefined || highest <= target || !unsignedUpTo(facts, target)) return listed;
  const waypoint = trusted.at(highest)!;
  const epoch = chain.epochs().find((one) => chain.ending(one)!.version === highest);
  const ends = epoch === undefined ? {} : { epoch: `${epoch}` };
  return [...listed, { waypoint, ...ends, from: sourceOf(waypoint) }];
}

export function describeChain(
  facts: ChainFacts,
  target: bigint,
): NonNullable<RestorePlan['chain']> {
  const { chain, why } = facts;
  const unsigned = unsignedUpTo(facts, target);
  const genesis = chain.ending(0n)?.waypoint;
  const newest = chain
    .epochs()
    .map((epoch) => chain.ending(epoch)!)
    .findLast(({ version }) => version <= target)?.waypoint;
  return {
    ...(genesis === undefined ? {} : { genesis }),
    confirmed: chain.confirmed(),
    ...(newest === undefined ? {} : { newest }),
    ...(unsigned ? { unsigned: textsOf([unsigned])[0]! } : {}),
    why,
  };
}
