import * as v from 'valibot';
import { field, run } from '../answers/fields.js';
import { holesUpTo, spanOf, unionOf } from '../../lib/spans.js';
import { addStoredRun } from '../restore-memory.js';
import { InputError, u64 } from '../schema.js';
import { span, u64Text } from '../shape.js';
import { waitForRetryOr, whenEnded } from './situation.js';
import { withRun } from './survey-runs.js';
import type { KindRules } from './kind-rules.js';

const result = v.object({
  ...run.entries,
  ends_at_version: field(u64Text, 'version at which the last of the epochs ends'),
});

/** The ledger infos that end a run of epochs. */
export interface EpochEndings {
  target: { first: string; last: string };
  fields: { start_epoch: bigint; end_epoch: bigint };
  unit: object;
  result: v.InferOutput<typeof result>;
}

/** The most epochs in one unit. A catch-up stores many at once. At the tip of the chain, a unit is one epoch. */
const EPOCHS_PER_UNIT = 1000n;

export const epochEndingRules: KindRules<'epoch_ending'> = {
  words: {
    one: 'Epoch ending backup',
    many: 'epoch endings',
    records: 'epoch endings',
    next: 'the ending of epoch',
  },
  workflow: 'epochEndingBackup',
  fields: {
    start_epoch: v.pipe(u64, v.description('first epoch')),
    end_epoch: v.pipe(u64, v.description('the epoch after the last one')),
  },
  targetOf({ start_epoch: start, end_epoch: end }) {
    if (end > start) return { type: 'epoch_ending', first: `${start}`, last: `${end - 1n}` };
    throw new InputError(
      `end_epoch (${end}) is exclusive and must be greater than start_epoch (${start})`,
    );
  },
  inputOf: ({ first, last }) => ({ start_epoch: first, end_epoch: `${BigInt(last) + 1n}` }),
  shape: v.object({ type: v.literal('epoch_ending'), ...span.entries }),
  describe: ({ first, last }) => `epoch endings ${first} to ${last}`,
  key: ({ first, last }) => `${first}-${last}`,
  span: spanOf,
  result,
  describeResult: ({ first, last }) => `${first} to ${last}`,
  addCommitted(survey, { first, last, ends_at_version: endsAt }) {
    survey.epochs = withRun(survey.epochs, { first, last });
    if (survey.listed) survey.listed.epochs = withRun(survey.listed.epochs, { first, last });
    const [run] = survey.epochs;
    if (run?.first === '0' && run.last === last) survey.epochsEndAt = endsAt;
    if (!survey.restore) return;
    addStoredRun(survey.restore, 'epochs', spanOf({ first, last }), (before) => {
      // The result does not say where the first epoch ends. It ends after the epoch before it.
      return { from: before + 1n, to: BigInt(endsAt) };
    });
  },
  inRow: true,
  counts: 'epoch',
  after: [],
  schedule: { every: '1h', note: 'epochs that have ended' },
  stored: ({ epochs }) => epochs.map(spanOf),
  tip: ({ ended }) => BigInt(ended) - 1n,
  next({ survey, node, streams }, resting) {
    const ended = BigInt(node.ended);
    const covered = unionOf([...survey.epochs.map(spanOf), ...resting]);
    const [hole] = ended > 0n ? holesUpTo(covered, ended - 1n) : [];
    if (!hole) {
      const wake = { ended: `${ended + 1n}` };
      return waitForRetryOr(streams.epoch_ending, `epoch ${ended} to end`, wake);
    }
    const most = hole.first + EPOCHS_PER_UNIT - 1n;
    const last = hole.last < most ? hole.last : most;
    return { start: { type: 'epoch_ending', first: `${hole.first}`, last: `${last}` } };
  },
  newest: () => undefined,
  whenThere: (target, node) => whenEnded(target, target.last, node),
  // No node prunes epoch endings.
  pruneEdge: () => undefined,
  givesUp: false,
};
