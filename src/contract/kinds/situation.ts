import type { NodeView } from '../coordinator-memory.js';
import type { CoordinatorSettings } from '../coordinator-state.js';
import type { BackupType, Target } from '../job.js';
import type { KnownStream, KnownSurvey } from '../known.js';

/** How long other streams wait for a running unit of epoch endings that proves what they store. */
const HELD_UP_MS = 10 * 60_000;

/** All facts that a decision depends on. The decision reads nothing else, so it is deterministic. */
export interface Situation {
  settings: Readonly<CoordinatorSettings>;
  survey: KnownSurvey;
  node: Readonly<NodeView>;
  streams: Readonly<Record<BackupType, KnownStream>>;
  now: number;
  /** When the running unit of epoch endings started; unix milliseconds. */
  epochsBegun?: number | undefined;
}

/** What a stream does next: a unit to start, or what it waits for. */
export type Decision =
  | { start: Target }
  | {
      waitingFor: string;
      /** When to decide again, even if the node reports nothing; unix milliseconds. */
      until?: number | undefined;
      /** The stream waits until the node reaches this version or has this many ended epochs. */
      version?: string;
      ended?: string;
      /** Something is ready to be stored, but another stream must store its proof first. */
      heldUp?: true;
    };

/** Starts a target whose epochs, up to `last`, have ended. */
export function whenEnded(target: Target, last: string, node: Readonly<NodeView>): Decision {
  const ended = `${BigInt(last) + 1n}`;
  return BigInt(last) < BigInt(node.ended)
    ? { start: target }
    : { waitingFor: `epoch ${last} to end`, ended };
}

/**
 * Whether the stored epoch endings prove the state at the end of an epoch, or the transactions up to a version. Also
 * true when epoch endings fail, are paused or take too long: then other streams go on, and a later verification
 * proves what they store.
 */
export function provenInStorage(
  { survey, node, streams, now, epochsBegun = now }: Situation,
  what: { epoch: bigint } | { version: bigint },
): boolean {
  const { failed, paused } = streams.epoch_ending;
  if (failed.length > 0 || paused || now - epochsBegun >= HELD_UP_MS) return true;
  const known = knownEpochs(survey);
  if (known >= BigInt(node.ended)) return true;
  if ('epoch' in what) return what.epoch < known;
  return survey.epochsEndAt !== undefined && what.version <= BigInt(survey.epochsEndAt);
}

/** Number of epochs, from 0, whose endings are stored without a hole. */
function knownEpochs(survey: KnownSurvey): bigint {
  const [run] = survey.epochs;
  return run?.first === '0' ? BigInt(run.last) + 1n : 0n;
}

export function waitForEpochs({ survey, node, epochsBegun }: Situation): Decision {
  const from = knownEpochs(survey);
  return {
    heldUp: true,
    until: epochsBegun === undefined ? undefined : epochsBegun + HELD_UP_MS,
    waitingFor: `epoch endings ${from} to ${BigInt(node.ended) - 1n}, which prove it, to be stored`,
  };
}

export function waitForRetryOr(
  memory: KnownStream,
  waitingFor: string,
  wake: { version?: string; ended?: string },
): Decision {
  const [soonest] = [...memory.failed].sort((a, b) => a.retryAt - b.retryAt);
  if (!soonest) return { waitingFor, ...wake };
  const at = new Date(soonest.retryAt).toISOString();
  return {
    waitingFor: `${waitingFor}, or the next try of a failed unit at ${at}`,
    until: soonest.retryAt,
    ...wake,
  };
}
