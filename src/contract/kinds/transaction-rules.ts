import * as v from 'valibot';
import { run } from '../answers/fields.js';
import { type Span, holesUpTo, spanOf, unionOf } from '../../lib/spans.js';
import { MAX_U64 } from '../../lib/u64.js';
import { addStoredRun } from '../restore-memory.js';
import { InputError, count, u64 } from '../schema.js';
import { span } from '../shape.js';
import { withRun } from './survey-runs.js';
import type { KindRules } from './kind-rules.js';
import { edgeOf } from './prune-edges.js';
import {
  type Decision,
  type Situation,
  provenInStorage,
  waitForEpochs,
  waitForRetryOr,
} from './situation.js';

/** The transactions of a run of versions. */
export interface Transactions {
  target: { first: string; last: string };
  fields: { start_version: bigint; num_transactions: bigint };
  unit: object;
  result: v.InferOutput<typeof run>;
}

export const transactionRules: KindRules<'transaction'> = {
  words: {
    one: 'Transaction backup',
    many: 'transactions',
    records: 'transactions',
    next: 'transaction',
  },
  workflow: 'transactionBackup',
  fields: {
    start_version: v.pipe(u64, v.description('first version')),
    num_transactions: v.pipe(count(), v.description('how many versions')),
  },
  targetOf({ start_version: start, num_transactions: many }) {
    const last = start + many - 1n;
    if (last <= MAX_U64) return { type: 'transaction', first: `${start}`, last: `${last}` };
    throw new InputError('start_version + num_transactions is past the largest version, 2^64-1');
  },
  inputOf({ first, last }) {
    return { start_version: first, num_transactions: `${BigInt(last) - BigInt(first) + 1n}` };
  },
  shape: v.object({ type: v.literal('transaction'), ...span.entries }),
  describe: ({ first, last }) => `transactions ${first} to ${last}`,
  key: ({ first, last }) => `${first}-${last}`,
  span: spanOf,
  result: run,
  describeResult: ({ first, last }) => `${first} to ${last}`,
  addCommitted(survey, { first, last }) {
    survey.versions = withRun(survey.versions, { first, last });
    if (survey.listed) survey.listed.versions = withRun(survey.listed.versions, { first, last });
    const stored = spanOf({ first, last });
    const versions = { from: stored.first, to: stored.last };
    if (survey.restore) addStoredRun(survey.restore, 'transactions', stored, () => versions);
  },
  inRow: true,
  counts: 'version',
  after: ['epoch_ending'],
  schedule: { every: '10m', note: 'the batch that is due' },
  stored: ({ versions }) => versions.map(spanOf),
  tip: ({ version }) => BigInt(version),
  next,
  newest: () => undefined,
  whenThere: (target, node) =>
    BigInt(target.last) <= BigInt(node.version)
      ? { start: target }
      : { waitingFor: `the node to reach version ${target.last}`, version: target.last },
  pruneEdge(survey, node) {
    if (node.ledgerWindow === undefined) return undefined;
    const tip = BigInt(node.version);
    // An alarm reports versions that are pruned already.
    const pruned = { first: 0n, last: BigInt(node.oldestVersion ?? 0) - 1n };
    const [hole] = holesUpTo(unionOf([...survey.versions.map(spanOf), pruned]), tip);
    const window = Number(node.ledgerWindow);
    const from = hole?.first ?? tip + 1n;
    const versions = Math.min(Math.max(0, Number(from) + window - Number(tip)), window);
    return { edge: edgeOf(`${from}`, versions, window, node), missing: hole !== undefined };
  },
  givesUp: false,
};

/** Stores the lowest hole first, because nodes prune the oldest versions first. */
function next(situation: Situation, resting: readonly Span[]): Decision {
  const { survey, node, settings, streams, now } = situation;
  const memory = streams.transaction;
  const tip = BigInt(node.version);
  const size = BigInt(settings.batchSize);
  const gone = node.oldestVersion === undefined ? 0n : BigInt(node.oldestVersion);
  const skipped = gone > 0n ? [{ first: 0n, last: gone - 1n }] : [];
  const covered = unionOf([...survey.versions.map(spanOf), ...resting, ...skipped]);
  const [hole] = holesUpTo(covered, tip);
  if (!hole) {
    const version = `${tip + 1n}`;
    return waitForRetryOr(memory, `version ${version}`, { version });
  }
  const full = batchEnd(hole.first, size);
  const inside = hole.last < tip; // stored versions follow the hole
  const closes = memory.batchOpenSince + settings.batchSeconds * 1000;
  const last = full <= hole.last ? full : hole.last;
  if (full > hole.last && !inside && now < closes) {
    return {
      waitingFor: `version ${full}, or ${new Date(closes).toISOString()}, to close a batch from ${hole.first}`,
      version: `${full}`,
      until: closes,
    };
  }
  if (!provenInStorage(situation, { version: last })) return waitForEpochs(situation);
  return { start: { type: 'transaction', first: `${hole.first}`, last: `${last}` } };
}

/**
 * The last version of the batch that begins at `first`. Genesis is a batch of its own. Other batches end at the next
 * multiple of `size`.
 */
export function batchEnd(first: bigint, size: bigint): bigint {
  return first === 0n ? 0n : ((first - 1n) / size + 1n) * size;
}
