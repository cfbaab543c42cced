import * as v from 'valibot';
import type { KnownSurvey } from './known.js';
import type { CopyInput } from './copy-input.js';
import type { CoordinatorSettings } from './coordinator-state.js';
import type { StorageConfig } from './job.js';
import { span, text, time, told, u64Text, wholeNumber } from './shape.js';
import { type Span, spanOf, without } from '../lib/spans.js';

/** The copy that a coordinator keeps in step: a second storage with the same backups. */

/** What two storages have in common. What a keep rule of the first one gave up counts, too: no copy can get it. */
export type Copied = v.InferOutput<typeof copied>;
const copied = v.object({
  epochs: v.array(span),
  versions: v.array(span),
  /** As in a survey. */
  snapshots: v.array(u64Text),
});

/** What a coordinator remembers of its copy. */
export type CopyMemo = v.InferOutput<typeof copyMemo>;
export const copyMemo = v.object({
  /** The second storage that this is about. */
  to: told<StorageConfig>(),
  /** A copy runs, or ran when the run before this one ended. */
  running: v.exactOptional(v.literal(true)),
  workflowId: v.exactOptional(text),
  /** When the running or the last copy was begun, and what the storage had then. */
  begunAt: v.exactOptional(time),
  aim: v.exactOptional(copied),
  /** What the second storage has. Absent: not known yet. */
  has: v.exactOptional(copied),
  /** The second storage holds backups. If it is empty now, it is away. */
  exists: v.exactOptional(v.literal(true)),
  /** When it last had everything; absent: it has everything now. */
  behindSince: v.exactOptional(time),
  /** Look what it has, although it should have everything. */
  look: v.exactOptional(v.literal(true)),
  endedAt: v.exactOptional(time),
  outcome: v.exactOptional(v.picklist(['done', 'failed'])),
  /** What the running copy fails at, or why the last one failed. */
  failed: v.exactOptional(text),
  /** The last one skipped something. That stays wrong until one brings everything. */
  incomplete: v.exactOptional(v.literal(true)),
  /** Failures in a row. */
  failures: wholeNumber,
  retryAt: time,
});

/** What a look at both storages finds. `workflowId`: of the copy between them. */
export interface CopyLook {
  has: Copied;
  exists: boolean;
  workflowId: string;
}

/** How a copy ended. `incomplete`: it skipped something. `look`: what the second storage has after a failure. */
export interface CopyOver {
  failed?: string;
  incomplete?: true;
  look?: CopyLook;
}

/** What became of a copy: it is over, or it fails at something and is tried again, or it no longer does. */
export type CopyNews = CopyOver | { troubled: string } | { well: true };

/** How much of a storage its copy lacks. */
export interface CopyLag {
  versions: bigint;
  epochs: bigint;
  snapshots: number;
}

/** Part of a chunk worker's slots (src/supervisor/worker-settings.ts): the others stay free for backups. */
const COPY_LANES = 2;

/** The input of the copies of a coordinator; undefined: it keeps none. */
export function copyInputOf(settings: Readonly<CoordinatorSettings>): CopyInput | undefined {
  const { storage, copyTo, copyLimits = {}, network, trustWaypoints } = settings;
  if (copyTo === undefined) return undefined;
  const { bytesPerSecond: bytes, requestsPerSecond: requests } = copyLimits;
  return {
    from: storage,
    to: copyTo,
    trust_waypoints: trustWaypoints,
    ...(network === undefined ? {} : { network }),
    ...(bytes === undefined ? {} : { bytes_per_second: bytes }),
    ...(requests === undefined ? {} : { requests_per_second: requests }),
    concurrency: COPY_LANES,
  };
}

/** What of a storage is not in its copy. */
export function copyLag(survey: Listed, has: Listed): CopyLag {
  const left = (all: readonly Text[], there: readonly Text[]) =>
    sizeOf(without(all.map(spanOf), there.map(spanOf)));
  const there = new Set(has.snapshots);
  return {
    versions: left(survey.versions, has.versions),
    epochs: left(survey.epochs, has.epochs),
    snapshots: survey.snapshots.filter((epoch) => !there.has(epoch)).length,
  };
}

export function isNoLag({ versions, epochs, snapshots }: CopyLag): boolean {
  return versions === 0n && epochs === 0n && snapshots === 0;
}

type Listed = Pick<KnownSurvey, keyof Copied>;
type Text = Parameters<typeof spanOf>[0];

function sizeOf(spans: readonly Span[]): bigint {
  return spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
}
