/** A snapshot in the making on a node that prunes. */
export interface SnapshotRace {
  version: bigint;
  tip: bigint;
  versionsPerSecond: number;
  /** Versions for which the node keeps states, at most; undefined: it has pruned none so far. */
  stateWindow: bigint | undefined;
  /** Records stored in the observed time, and how many are left. */
  stored: number;
  left: number;
  seconds: number;
}

/** Less than this says nothing about the speed of a snapshot. */
const LEAST_SECONDS = 60;

/** Why the snapshot will lose the race against the pruner; undefined while it may win. */
export function losesRace(race: SnapshotRace): string | undefined {
  const { version, tip, versionsPerSecond, stateWindow, stored, left, seconds } = race;
  if (stateWindow === undefined || seconds < LEAST_SECONDS || stored <= 0) return undefined;
  if (versionsPerSecond <= 0) return undefined;
  const secondsToGo = (left * seconds) / stored;
  const versionsToGo = Number(version + stateWindow - tip);
  if (secondsToGo * versionsPerSecond <= versionsToGo) return undefined;
  const hours = (s: number) => (s / 3600).toFixed(1);
  return (
    `it needs ${hours(secondsToGo)} hours more, but the node prunes the state of version ${version} ` +
    `in about ${hours(Math.max(0, versionsToGo / versionsPerSecond))} hours`
  );
}
