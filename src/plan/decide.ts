import type {
  CoordinatorSettings,
  NodeView,
  StreamMemory,
  Survey,
  TextSpan,
} from './coordinator.js';
import type { BackupType, Target } from './job.js';
import { type Span, holesUpTo } from './spans.js';
import { EPOCHS_PER_UNIT, batchEnd, nextSnapshot } from './stream-rules.js';

/** So many failed units of one stream say that it is not the units: no others are begun. */
export const MOST_FAILED_UNITS = 20;
/** So long a unit of epoch endings in hand holds up what it proves. */
const HELD_UP_MS = 10 * 60_000;

/** What a decision is made from. Everything in it is known when it is made: it is deterministic. */
export interface Situation {
  settings: CoordinatorSettings;
  survey: Survey;
  node: NodeView;
  streams: Record<BackupType, StreamMemory>;
  now: number;
  /** Since when a unit of epoch endings is in hand; unix milliseconds. */
  epochsBegun?: number | undefined;
}

/** What a stream does next: a unit, or what it waits for. */
export type Decision =
  | { start: Target }
  | {
      waitingFor: string;
      /** Unix milliseconds at which to look again, whatever the node does. */
      until?: number;
      /** The node has to reach one of these first. */
      version?: string;
      ended?: string;
      /** There is something to be stored, which another stream has to come before. */
      heldUp?: true;
    };

/** The next unit of a stream. Holes are filled from the lowest up: the oldest is pruned first. */
export function decide(type: BackupType, situation: Situation): Decision {
  const memory = situation.streams[type];
  const asked = memory.requested[0];
  if (asked) return whenThere(asked, situation.node);
  const again = memory.failed.find(({ retryAt }) => retryAt <= situation.now);
  if (again) return { start: again.target };
  if (memory.failed.length >= MOST_FAILED_UNITS) {
    return waitForRetryOr(memory, `one of ${memory.failed.length} failed units to work again`, {});
  }
  switch (type) {
    case 'epoch_ending':
      return epochs(situation);
    case 'state_snapshot':
      return snapshot(situation);
    case 'transaction':
      return transactions(situation);
  }
}

/** Whether something is there to be stored, also when it failed or waits for another stream. */
export function isDue(type: BackupType, situation: Situation): boolean {
  const streams = {
    ...situation.streams,
    [type]: { ...situation.streams[type], failed: [], requested: [] },
  };
  const decision = decide(type, { ...situation, streams });
  return 'start' in decision || decision.heldUp === true;
}

/** A request waits for the node like everything else. */
export function whenThere(target: Target, node: NodeView): Decision {
  if (target.type === 'transaction') {
    return BigInt(target.last) <= BigInt(node.version)
      ? { start: target }
      : { waitingFor: `the node to reach version ${target.last}`, version: target.last };
  }
  const last = target.type === 'epoch_ending' ? target.last : target.epoch;
  const ended = `${BigInt(last) + 1n}`;
  return BigInt(last) < BigInt(node.ended)
    ? { start: target }
    : { waitingFor: `epoch ${last} to end`, ended };
}

function epochs(situation: Situation): Decision {
  const { survey, node, streams } = situation;
  const ended = BigInt(node.ended);
  const covered = [...spans(survey.epochs), ...failedSpans(streams.epoch_ending)];
  const [hole] = ended > 0n ? holesUpTo(sorted(covered), ended - 1n) : [];
  if (!hole)
    return waitForRetryOr(streams.epoch_ending, `epoch ${ended} to end`, {
      ended: `${ended + 1n}`,
    });
  const most = hole.first + EPOCHS_PER_UNIT - 1n;
  const last = hole.last < most ? hole.last : most;
  return { start: { type: 'epoch_ending', first: `${hole.first}`, last: `${last}` } };
}

function snapshot(situation: Situation): Decision {
  const { survey, node, settings, streams } = situation;
  const memory = streams.state_snapshot;
  const ended = BigInt(node.ended);
  const tried = [...survey.snapshots, ...memory.givenUp].map(BigInt);
  const failing = memory.failed.map(({ target }) => BigInt((target as { epoch: string }).epoch));
  const taken = [...tried, ...failing];
  const interval = BigInt(settings.snapshotInterval);
  const last = taken.length === 0 ? undefined : taken.reduce((a, b) => (a > b ? a : b));
  // Restoring history from version 0 needs the state of epoch 0; it is tiny.
  const genesisDue = ended > 0n && !taken.includes(0n);
  const next = genesisDue ? 0n : nextSnapshot(last, ended, interval);
  if (next >= ended) {
    return waitForRetryOr(memory, `epoch ${next} to end`, { ended: `${next + 1n}` });
  }
  if (!provenInStorage(situation, next, undefined)) return waitForEpochs(situation);
  return { start: { type: 'state_snapshot', epoch: `${next}` } };
}

function transactions(situation: Situation): Decision {
  const { survey, node, settings, streams, now } = situation;
  const memory = streams.transaction;
  const tip = BigInt(node.version);
  const size = BigInt(settings.batchSize);
  const gone = node.oldestVersion === undefined ? 0n : BigInt(node.oldestVersion);
  const skipped = gone > 0n ? [{ first: 0n, last: gone - 1n }] : [];
  const covered = [...spans(survey.versions), ...failedSpans(memory), ...skipped];
  const [hole] = holesUpTo(sorted(covered), tip);
  if (!hole) {
    const next = `${tip + 1n}`;
    return waitForRetryOr(memory, `version ${next}`, { version: next });
  }
  const full = batchEnd(hole.first, size);
  const inside = hole.last < tip; // something that is stored already ends the hole
  const closes = memory.batchOpenSince + settings.batchSeconds * 1000;
  const last = full <= hole.last ? full : hole.last;
  if (full > hole.last && !inside && now < closes) {
    return {
      waitingFor: `version ${full}, or ${new Date(closes).toISOString()}, to close a batch from ${hole.first}`,
      version: `${full}`,
      until: closes,
    };
  }
  if (!provenInStorage(situation, undefined, last)) return waitForEpochs(situation);
  return { start: { type: 'transaction', first: `${hole.first}`, last: `${last}` } };
}

/**
 * Whether the stored epoch endings prove the state at the end of an epoch, or transactions up to a
 * version. Epoch endings that fail, or take too long, hold nobody up: then the proof of the rest comes later.
 */
function provenInStorage(
  { survey, node, streams, now, epochsBegun = now }: Situation,
  epoch: bigint | undefined,
  version: bigint | undefined,
): boolean {
  const { failed, paused } = streams.epoch_ending;
  if (failed.length > 0 || paused || now - epochsBegun >= HELD_UP_MS) return true;
  const known = knownEpochs(survey);
  if (known >= BigInt(node.ended)) return true;
  if (epoch !== undefined) return epoch < known;
  return survey.epochsEndAt !== undefined && version! <= BigInt(survey.epochsEndAt);
}

/** Epochs whose endings are stored, from 0 without a hole. */
export function knownEpochs(survey: Survey): bigint {
  const [run] = survey.epochs;
  return run?.first === '0' ? BigInt(run.last) + 1n : 0n;
}

function waitForEpochs({ survey, node, epochsBegun }: Situation): Decision {
  const from = knownEpochs(survey);
  return {
    heldUp: true,
    ...(epochsBegun === undefined ? {} : { until: epochsBegun + HELD_UP_MS }),
    waitingFor: `the epoch endings ${from} to ${BigInt(node.ended) - 1n} that prove it to be stored`,
  };
}

function waitForRetryOr(
  memory: StreamMemory,
  waitingFor: string,
  wake: { version?: string; ended?: string },
): Decision {
  const [soonest] = [...memory.failed].sort((a, b) => a.retryAt - b.retryAt);
  if (!soonest) return { waitingFor, ...wake };
  const at = new Date(soonest.retryAt).toISOString();
  return {
    waitingFor: `${waitingFor}, or another try of what failed at ${at}`,
    until: soonest.retryAt,
    ...wake,
  };
}

function failedSpans(memory: StreamMemory): Span[] {
  return memory.failed.flatMap(({ target }) =>
    target.type === 'state_snapshot' ? [] : spans([target]),
  );
}

export function spans(texts: readonly TextSpan[]): Span[] {
  return texts.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }));
}

function sorted(list: Span[]): Span[] {
  return list.sort((a, b) => (a.first < b.first ? -1 : 1));
}
