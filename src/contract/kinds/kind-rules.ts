import type * as v from 'valibot';
import type { Span } from '../../lib/spans.js';
import type { NodeView, Survey } from '../coordinator-memory.js';
import type { BackupType, TargetOf } from '../job.js';
import type { KnownSurvey } from '../known.js';
import type { ResultOf } from '../unit.js';
import type { Kinds } from './index.js';
import type { StreamEdge } from './prune-edges.js';
import type { Decision, Situation } from './situation.js';

/**
 * The half of a kind that needs only plain data. Workflows and clients use it. The other half reads nodes and writes
 * files: `src/backup/kinds`.
 */
export interface KindRules<K extends BackupType> {
  words: Words;
  /** The name of the workflow that makes one backup. */
  workflow: string;
  /** The input fields of that workflow that name the range. */
  fields: { [Name in keyof Kinds[K]['fields']]: v.GenericSchema<string | number, bigint> };
  /** Reads a target from input fields. @throws InputError when they give no valid range */
  targetOf(fields: Kinds[K]['fields']): TargetOf<K>;
  /** The inverse of `targetOf`: the input fields that name a target. */
  inputOf(target: TargetOf<K>): Record<keyof Kinds[K]['fields'], string>;
  /** Schema of a target in payloads. */
  shape: v.GenericSchema<TargetOf<K>>;
  /** A target in words, e.g. "transactions 0 to 999". */
  describe(target: TargetOf<K>): string;
  /** A short key. Equal targets have equal keys, e.g. `0-999`. */
  key(target: TargetOf<K>): string;
  /** The epochs or versions of a target. */
  span(target: TargetOf<K>): Span;
  /** The fields of a result that only this kind has. */
  result: v.ObjectSchema<v.ObjectEntries, undefined>;
  /** The stored range in words, e.g. `0 to 999`. */
  describeResult(result: ResultOf<K>): string;
  /** Adds a backup to a survey that was made before its commit. */
  addCommitted(survey: Survey, result: ResultOf<K>): void;
  /**
   * Whether backups must follow each other without gap or overlap. The stock tool restores nothing if they do not.
   */
  inRow: boolean;
  /** The unit of its range. */
  counts: 'epoch' | 'version';
  /** Streams that go first, because their units prove units of this kind. */
  after: readonly BackupType[];
  /** The schedule that `aptos-backup schedule` creates: how often it runs, and what it backs up. */
  schedule: { every: string; note: string };
  /** The epochs or versions that a storage holds, in ascending order. */
  stored(survey: KnownSurvey): Span[];
  /** The newest epoch or version that a node can serve. */
  tip(node: Pick<NodeView, 'ended' | 'version'>): bigint;
  /** Decides what its stream does next. `resting`: failed units that wait for their next try. */
  next(situation: Situation, resting: readonly Span[]): Decision;
  /**
   * The newest of what a node has, where the stream does not take all of it: what a request without a range asks for.
   * Undefined: the stream takes everything, or the node has nothing yet.
   */
  newest(node: Readonly<NodeView>): TargetOf<K> | undefined;
  /** Starts a requested target, or waits until the node has it. */
  whenThere(target: TargetOf<K>, node: Readonly<NodeView>): Decision;
  /**
   * What its stream stores next, and how far the node is from pruning it. Undefined if the node does not prune it.
   */
  pruneEdge(survey: KnownSurvey, node: Readonly<NodeView>): StreamEdge | undefined;
  /** Whether a unit that the node has pruned is given up, because a newer one is as good. */
  givesUp: boolean;
}

/** The words for a kind in messages. */
export interface Words {
  /** One backup: `Transaction backup`. */
  one: string;
  many: string;
  records: string;
  /** Stands before the number of the next record: `transaction`. */
  next: string;
}
