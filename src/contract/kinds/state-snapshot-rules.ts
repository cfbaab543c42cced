import * as v from 'valibot';
import { field } from '../answers/fields.js';
import { addStoredSnapshot } from '../restore-memory.js';
import { u64 } from '../schema.js';
import { u64Text } from '../shape.js';
import type { Proven } from '../unit.js';
import type { KindRules } from './kind-rules.js';
import { edgeOf } from './prune-edges.js';
import { provenInStorage, waitForEpochs, waitForRetryOr, whenEnded } from './situation.js';

const result = v.object({
  epoch: field(u64Text, 'epoch of a snapshot'),
  version: field(u64Text, 'version of a snapshot'),
});

/** The whole state at the end of an epoch. */
export interface StateSnapshot {
  target: { epoch: string };
  fields: { epoch: bigint };
  /** `proven`: how the root of the state is proven. */
  unit: { epoch: string; version: string; rootHash: string; proven: Proven };
  result: v.InferOutput<typeof result>;
}

export const stateSnapshotRules: KindRules<'state_snapshot'> = {
  words: {
    one: 'State snapshot backup',
    many: 'state snapshots',
    records: 'state items',
    next: 'the state of epoch',
  },
  workflow: 'stateSnapshotBackup',
  fields: { epoch: v.pipe(u64, v.description('the whole state at the end of this epoch')) },
  targetOf: ({ epoch }) => ({ type: 'state_snapshot', epoch: `${epoch}` }),
  inputOf: ({ epoch }) => ({ epoch }),
  shape: v.object({ type: v.literal('state_snapshot'), epoch: u64Text }),
  describe: ({ epoch }) => `state snapshot of epoch ${epoch}`,
  key: ({ epoch }) => epoch,
  span: ({ epoch }) => ({ first: BigInt(epoch), last: BigInt(epoch) }),
  result,
  describeResult: ({ epoch, version }) => `epoch ${epoch}, version ${version}`,
  addCommitted(survey, { epoch, version }) {
    if (!survey.snapshots.includes(epoch)) survey.snapshots.unshift(epoch);
    if (survey.restore) addStoredSnapshot(survey.restore, { epoch, version });
  },
  inRow: false,
  counts: 'epoch',
  after: ['epoch_ending'],
  schedule: { every: '1d', note: 'the newest ended epoch' },
  stored({ snapshots }) {
    const epochs = snapshots.map(BigInt).sort((a, b) => (a < b ? -1 : 1));
    return epochs.map((epoch) => ({ first: epoch, last: epoch }));
  },
  tip: ({ ended }) => BigInt(ended) - 1n,
  next(situation, resting) {
    const { survey, node, settings, streams } = situation;
    const memory = streams.state_snapshot;
    const ended = BigInt(node.ended);
    const tried = [...survey.snapshots, ...memory.givenUp].map(BigInt);
    const taken = [...tried, ...resting.map(({ first }) => first)];
    const interval = BigInt(settings.snapshotInterval);
    const last = taken.length === 0 ? undefined : taken.reduce((a, b) => (a > b ? a : b));
    // Restoring history from version 0 needs the state of epoch 0; it is tiny.
    const genesisDue = ended > 0n && !taken.includes(0n);
    const next = genesisDue ? 0n : nextSnapshot(last, ended, interval);
    if (next >= ended) {
      return waitForRetryOr(memory, `epoch ${next} to end`, { ended: `${next + 1n}` });
    }
    if (!provenInStorage(situation, { epoch: next })) return waitForEpochs(situation);
    return { start: { type: 'state_snapshot', epoch: `${next}` } };
  },
  newest({ ended }) {
    if (ended === '0') return undefined;
    return { type: 'state_snapshot', epoch: `${BigInt(ended) - 1n}` };
  },
  whenThere: (target, node) => whenEnded(target, target.epoch, node),
  pruneEdge(survey, node) {
    if (!node.snapshotLeft || node.stateWindow === undefined) return undefined;
    const { epoch, versions } = node.snapshotLeft;
    if (survey.snapshots.includes(epoch)) return undefined;
    const left = Math.max(0, Number(versions));
    return { edge: edgeOf(epoch, left, Number(node.stateWindow), node), missing: true };
  },
  givesUp: true,
};

/**
 * The epoch of the next snapshot: a multiple of the interval. Missed multiples are skipped. The snapshot can be taken
 * when its epoch has ended. `last`: the newest snapshot that was taken.
 */
export function nextSnapshot(last: bigint | undefined, ended: bigint, interval: bigint): bigint {
  const after = last === undefined ? 0n : (last / interval + 1n) * interval;
  const newestEnded = ended > 0n ? ended - 1n : 0n;
  const newest = (newestEnded / interval) * interval;
  return after > newest ? after : newest;
}
