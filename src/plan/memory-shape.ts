import type { CoordinatorMemory } from './coordinator.js';
import { isConcurrency } from './input.js';
import {
  type Check,
  isCount,
  isFlag,
  isRecord,
  isSpan,
  isTarget,
  isText,
  isTime,
  isU64,
  listOf,
  optional,
  withFields,
} from './shape.js';

const isAtLeastOne: Check = (value) => isU64(value) && BigInt(value as string) > 0n;

const isSettings = withFields({
  nodes: (value) => listOf(isText)(value) && (value as string[]).length > 0,
  storage: withFields({ local_fs_dir: isText }),
  concurrency: isConcurrency,
  snapshotInterval: isAtLeastOne,
  batchSize: isAtLeastOne,
  batchSeconds: isTime,
});

const isStream = withFields({
  paused: isFlag,
  failed: listOf(
    withFields({
      target: isTarget,
      reason: isText,
      code: isText,
      attempts: isCount,
      failedAt: isTime,
      retryAt: isTime,
    }),
  ),
  requested: listOf(isTarget),
  lastCommit: optional(withFields({ at: isTime, what: isText })),
  batchOpenSince: isTime,
  askedAt: optional(isTime),
  givenUp: listOf(isU64),
  committed: isCount,
  committedRecords: optional(isU64),
  failures: optional(isRecord),
  lastError: optional(withFields({ unit: isText, code: isText, reason: isText, at: isTime })),
  dueSince: optional(isTime),
});

const isSurvey = withFields({
  storageId: isText,
  epochs: listOf(isSpan),
  versions: listOf(isSpan),
  snapshots: listOf(isU64),
  epochsEndAt: optional(isU64),
  damaged: listOf(isRecord),
});

const isView = withFields({
  ended: isU64,
  version: isU64,
  at: isTime,
  oldestVersion: optional(isU64),
  unasked: optional(withFields({ nodes: listOf(isText), since: isTime })),
  problem: optional(isText),
});

const isMemoryShape = withFields({
  memory: (value) => value === 1,
  settings: isSettings,
  streams: withFields({ epoch_ending: isStream, state_snapshot: isStream, transaction: isStream }),
  survey: optional(isSurvey),
  surveyedAt: isTime,
  tidyAt: optional(isTime),
  node: optional(isView),
  lookedAnewAt: optional(isTime),
  lies: optional(listOf(withFields({ node: isText, why: isText, at: isTime }))),
  alarms: listOf(withFields({ code: isText, text: isText, since: isTime })),
  startedAt: isTime,
  runs: isCount,
});

/** Whether it is what one run of the coordinator hands to the next. */
export function isMemory(value: unknown): value is CoordinatorMemory {
  return isMemoryShape(value);
}
