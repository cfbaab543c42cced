import * as v from 'valibot';
import { YEAR_SECONDS } from './coordinator-input.js';
import type { CoordinatorSettings } from './coordinator-state.js';
import { copyLimits } from './copy-input.js';
import { concurrency, storage } from './input-fields.js';
import { copyMemo } from './kept-copy.js';
import { BACKUP_TYPES, perKind, rulesOf } from './kinds/index.js';
import type { Target } from './job.js';
import { type Lie, lie } from './lies.js';
import { nodeLimits } from './node-limits.js';
import { storedForRestoreSchema } from './restore-memory.js';
import { flag, span, text, time, told, u64Text, wholeNumber } from './shape.js';
import type { VerifiedTimes } from './answers/coordinator-answers.js';

/**
 * What one run of a coordinator hands to the next, and its parts. A field is absent when its value is not
 * known or there is none.
 */

const atLeastOne = v.pipe(
  u64Text,
  v.check((value) => BigInt(value) > 0n),
);

const settingsShape = v.object({
  nodes: v.pipe(v.array(text), v.minLength(1)),
  storage,
  concurrency,
  snapshotInterval: atLeastOne,
  batchSize: atLeastOne,
  batchSeconds: v.pipe(wholeNumber, v.maxValue(Number(YEAR_SECONDS))),
  compactAboveFiles: v.optional(wholeNumber),
  copyTo: v.exactOptional(storage),
  copyLimits: v.exactOptional(copyLimits),
  nodeLimits: v.optional(nodeLimits),
});
const settings = v.custom<CoordinatorSettings>((value) => v.is(settingsShape, value));

const target: v.GenericSchema<Target> = v.union(BACKUP_TYPES.map((type) => rulesOf(type).shape));

/** A unit that failed and waits for its next try. */
const failedUnit = v.object({
  target,
  reason: text,
  code: text,
  attempts: wholeNumber,
  failedAt: time,
  retryAt: time,
});

/** What a coordinator remembers of one stream. It survives a continue-as-new. */
export type StreamMemory = v.InferOutput<typeof streamMemory>;
const streamMemory = v.object({
  paused: flag,
  failed: v.array(failedUnit),
  /** Units that somebody asked for. They go before everything else. */
  requested: v.array(target),
  lastCommit: v.exactOptional(
    v.object({
      at: time,
      what: text,
      records: told<string>(),
      bytes: told<number>(),
      seconds: told<number>(),
    }),
  ),
  /** Since when the batch is open: the time of the last commit. 0: the open batch is due at once. */
  batchOpenSince: time,
  /** When somebody last asked to back up everything that the node has. */
  askedAt: v.exactOptional(time),
  /** Epochs of snapshots that were given up, because the node had pruned their state or was about to. */
  givenUp: v.array(u64Text),
  /** Number of units that this coordinator committed; their records and bytes follow. */
  committed: wholeNumber,
  committedRecords: v.exactOptional(u64Text),
  committedBytes: v.exactOptional(told<number>()),
  /** Failed units, counted by error code. */
  failures: v.exactOptional(v.record(text, told<number>())),
  /** The last failure. The next commit clears it. */
  lastError: v.exactOptional(v.object({ unit: text, code: text, reason: text, at: time })),
  /** Since when something waits to be stored; absent: nothing is due. */
  dueSince: v.exactOptional(time),
});

/** What a coordinator needs to know of a storage. */
export type Survey = v.InferOutput<typeof survey>;
const survey = v.object({
  /** Short name of the storage, for workflow ids. */
  storageId: text,
  epochs: v.array(span),
  versions: v.array(span),
  /** Epochs with a snapshot, newest first: the newest hundred at most, and epoch 0. */
  snapshots: v.array(u64Text),
  /** The version at which the epochs that are stored without a hole end. */
  epochsEndAt: v.exactOptional(u64Text),
  /** Metadata lines and manifests that cannot be used. What they should cover counts as missing. */
  damaged: v.array(v.object({ object: told<string>(), why: told<string>() })),
  damagedCount: told<number>(),
  /** Number of metadata files. */
  files: v.exactOptional(told<number>()),
  /** Number of those that no compaction has made. */
  notCompacted: v.exactOptional(wholeNumber),
  /** What metadata lines name, whether it can be used or not. */
  listed: v.exactOptional(v.object({ epochs: v.array(span), versions: v.array(span) })),
  /** What the stock tool's restore would read of it. */
  restore: v.exactOptional(storedForRestoreSchema),
  /** When the storage was verified, as far as its files tell. */
  verified: v.exactOptional(
    v.custom<VerifiedTimes>((value) => v.is(v.record(text, told()), value)),
  ),
  /** Which nodes are of another chain, or sent data that fails its proof. */
  lies: v.exactOptional(told<Lie[]>()),
});

/** What the node had at the last look. With several nodes: the watched one. */
export type NodeView = v.InferOutput<typeof nodeView>;
const nodeView = v.object({
  /** With several nodes: the watched one. */
  node: v.exactOptional(told<string>()),
  /** Nodes that rest, until when, and why. In heartbeats only. */
  resting: v.exactOptional(told<{ node: string; until: number; why: string }[]>()),
  /** Number of ended epochs: all epochs below this one have ended. */
  ended: u64Text,
  version: u64Text,
  /** When this was seen. */
  at: time,
  /** When the version last grew, or was first seen. */
  movedAt: v.exactOptional(time),
  /**
   * Time of the newest ledger info, by the clock of the chain. Absent until the ledger info is proven.
   */
  tipAt: v.exactOptional(time),
  /** Waypoint of the chain's genesis, while no trusted waypoint confirms it. */
  unconfirmedGenesis: v.exactOptional(text),
  /** Versions per second, over the last minutes. */
  versionsPerSecond: told<number>(),
  /** The oldest transaction that some node still has. Absent while the node has pruned none. */
  oldestVersion: v.exactOptional(u64Text),
  /** For how many versions the node keeps transactions, at most. Absent while it has pruned none. */
  ledgerWindow: v.exactOptional(told<string>()),
  /** The oldest epoch whose state some node still has. */
  oldestSnapshotEpoch: v.exactOptional(told<string>()),
  /** For how many versions the node keeps states, at most. Absent while it has pruned none. */
  stateWindow: v.exactOptional(told<string>()),
  /** In how many versions the node will prune the state of a snapshot that is still to be stored. */
  snapshotLeft: v.exactOptional(told<{ epoch: string; versions: string }>()),
  /** When the prune edges were last asked for. */
  edgesAt: v.exactOptional(told<number>()),
  /** Nodes that gave no answer about their prune edges, and since when. */
  unasked: v.exactOptional(v.object({ nodes: v.array(text), since: time })),
  /** What is wrong with the node now. */
  problem: v.exactOptional(text),
});

/** Folders and files in a storage that no metadata line names. */
export interface Unreferenced {
  folders: number;
  /** Twenty at most. `unfinished`: ours and not committed. `foreign`: made by others. */
  first: { folder: string; what: 'unfinished' | 'foreign' }[];
  /** Half-written files that somebody may still write to. */
  files: number;
  /** Number of folders that were just removed. */
  removed: number;
  /** A unit that was given up still writes, so tidy again in some minutes. */
  again: boolean;
}

/** Something that an operator should know. It ends with its cause. */
const alarm = v.object({ code: text, text, since: time });

export type CoordinatorMemory = v.InferOutput<typeof memorySchema>;
const memorySchema = v.object({
  memory: v.literal(1),
  settings,
  streams: v.object(perKind(() => streamMemory)),
  survey: v.exactOptional(survey),
  surveyedAt: time,
  /** The storage was claimed before, so it exists. */
  begun: v.exactOptional(told<boolean>()),
  unreferenced: v.exactOptional(told<Unreferenced>()),
  /** When to tidy the storage again. */
  tidyAt: v.exactOptional(time),
  /** The metadata is to be compacted. */
  compactDue: v.exactOptional(told<true>()),
  /** The copy that is kept in step, if there is one. */
  copy: v.exactOptional(copyMemo),
  node: v.exactOptional(nodeView),
  /** When the known view of the node was last dropped, to look at the node anew. */
  lookedAnewAt: v.exactOptional(time),
  /** The newest lie of each node within the last day. */
  lies: v.exactOptional(v.array(lie)),
  alarms: v.array(alarm),
  startedAt: time,
  /** Number of earlier runs. Continue-as-new keeps histories short. */
  runs: wholeNumber,
});

/** Whether a value is what one run of a coordinator hands to the next. */
export function isMemory(value: unknown): value is CoordinatorMemory {
  return v.is(memorySchema, value);
}
