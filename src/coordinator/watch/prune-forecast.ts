/** A running snapshot on a node that prunes. */
export interface SnapshotRace {
  version: bigint;
  tip: bigint;
  versionsPerSecond: number;
  /** For how many versions the node keeps states, at most. Undefined: it has pruned none so far. */
  stateWindow: bigint | undefined;
  /** Records stored in the observed time, and records left. */
  stored: number;
  left: number;
  seconds: number;
}

/** A shorter time says nothing about the speed of a snapshot. */
const LEAST_SECONDS = 60;

/**
 * Why the node will prune the state before the snapshot is finished; undefined while the snapshot may
 * still finish.
 */
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
