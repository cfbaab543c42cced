import type { AlarmCode } from '../../errors/codes/alarms-codes.js';
import type { Unreferenced } from '../../contract/coordinator-memory.js';
import { settingsInWords } from '../../contract/coordinator-input.js';
import type { Decision } from '../../contract/kinds/situation.js';
import { type BackupType, describeTarget, targetKey } from '../../contract/job.js';
import { QUARANTINED } from '../../contract/messages.js';
import { perKind, rulesOf } from '../../contract/kinds/index.js';
import { secondsFor } from '../../contract/kinds/prune-edges.js';
import { seenOf } from '../../contract/node-view.js';
import { restorable } from '../../contract/restorable.js';
import { restoreSource } from '../../contract/restore-memory.js';
import { type Span, holesUpTo } from '../../lib/spans.js';
import { pruneEdgeOf } from './prune-danger.js';
import { copyStatusOf } from './copy-status.js';
import type { Known, KnownStream } from '../../contract/known.js';
import { isSameUnit } from './memory/unit-end.js';
import type { Running, RunningUnit } from './running-unit.js';
import { namedLimits } from '../../contract/node-limits.js';
import { storageName } from '../../contract/storage-name.js';
import type {
  CoordinatorStatus,
  StreamStatus,
} from '../../contract/answers/coordinator-answers.js';

const MOST_HOLES = 20;
const MOST_FAILED = 20;
/** A shorter unit says nothing about the rate of a long one. */
const LEAST_SECONDS = 2;
const iso = (ms: number) => new Date(ms).toISOString();
const isoOf = (ms: number | undefined) => (ms === undefined ? undefined : iso(ms));

/** Answers the coordinator's `status` query. */
export function statusOf(
  known: Known,
  running: Running,
  waiting: Partial<Record<BackupType, Decision>>,
  blockedBy: AlarmCode | undefined,
  now: number,
): CoordinatorStatus {
  const stream = (type: BackupType) =>
    streamStatus(type, known, running, waiting[type], blockedBy, now);
  const streams = perKind(stream);
  const { settings, node, lookedAnewAt, alarms, survey } = known;
  return {
    phase: phaseOf(known, streams, blockedBy),
    node: settings.nodes[0]!,
    nodes: settings.nodes,
    storage: storageName(settings.storage),
    network: settings.network,
    seen: node && seenOf(node),
    looked_anew_at: isoOf(lookedAnewAt),
    concurrency: settings.concurrency,
    settings: settingsInWords(settings),
    node_limits: settings.nodeLimits && namedLimits(settings.nodeLimits),
    streams,
    alarms: alarms.map(({ code, text, since }) => ({ code, text, since: iso(since) })),
    started_at: iso(known.startedAt),
    unreferenced: known.unreferenced && unreferencedOf(known.unreferenced),
    runs: known.runs,
    verified: survey?.verified,
    metadata_files: survey?.files,
    restorable: survey?.restore && restorable(restoreSource(survey.restore)),
    copy: copyStatusOf(known, now),
  };
}

function unreferencedOf({ folders, first, files }: Unreferenced) {
  return { folders, first, files };
}

function phaseOf(
  known: Known,
  streams: Record<BackupType, StreamStatus>,
  blockedBy: AlarmCode | undefined,
): CoordinatorStatus['phase'] {
  const states = Object.values(streams).map(({ state }) => state);
  if (blockedBy !== undefined || known.alarms.length > 0) return 'trouble';
  if (!known.survey || !known.node) return 'starting';
  if (states.every((state) => state === 'paused')) return 'paused';
  return states.includes('working') ? 'working' : 'following';
}

function streamStatus(
  type: BackupType,
  known: Known,
  running: Running,
  decision: Decision | undefined,
  blockedBy: AlarmCode | undefined,
  now: number,
): StreamStatus {
  const stream = known.streams[type];
  const unit = running[type];
  const { newest, lag, holes } = coverageOf(type, known);
  const { lastCommit, lastError, dueSince, failed } = stream;
  const rate =
    lastCommit && lastCommit.seconds >= LEAST_SECONDS
      ? Number(lastCommit.records) / lastCommit.seconds
      : 0;
  const perSecond = known.node?.versionsPerSecond ?? 0;
  return {
    state: unit ? 'working' : stream.paused ? 'paused' : failed.length > 0 ? 'failing' : 'waiting',
    paused: stream.paused ? true : undefined,
    waiting_for: unit ? undefined : reasonToWait(known, type, decision, blockedBy),
    current: unit && currentOf(unit, failed),
    last_commit: lastCommit && { what: lastCommit.what, at: iso(lastCommit.at) },
    last_error: lastError && { ...lastError, at: iso(lastError.at) },
    due_since: isoOf(dueSince),
    newest: newest?.toString(),
    lag: lag?.toString(),
    lag_seconds: lagSeconds(type, lag, dueSince, known, now),
    prune_edge: pruneEdgeOf(type, known)?.edge,
    rate: rate > 0 ? Math.round(rate) : undefined,
    eta_seconds:
      rate > perSecond && lag !== undefined && lag > 0n && rulesOf(type).counts === 'version'
        ? Math.round(Number(lag) / (rate - perSecond))
        : undefined,
    holes: holes.slice(0, MOST_HOLES).map((h) => ({ first: `${h.first}`, last: `${h.last}` })),
    ...failedOf(failed, now),
    committed: stream.committed,
    committed_records: stream.committedRecords ?? '0',
    committed_bytes: stream.committedBytes ?? 0,
    failures: { ...stream.failures },
  };
}

function currentOf(
  { target, workflowId, since }: RunningUnit,
  failed: KnownStream['failed'],
): StreamStatus['current'] {
  const attempts = 1 + (failed.find((f) => isSameUnit(f.target, target))?.attempts ?? 0);
  return {
    target: describeTarget(target),
    workflow_id: workflowId,
    since: iso(since),
    attempts,
  };
}

function failedOf(
  failed: KnownStream['failed'],
  now: number,
): Pick<StreamStatus, 'failed' | 'failed_count' | 'quarantined'> {
  return {
    failed: failed.slice(0, MOST_FAILED).map(({ target, reason, code, attempts, retryAt }) => ({
      unit: targetKey(target),
      reason,
      code,
      attempts,
      retry_at: iso(Math.max(retryAt, now)),
    })),
    failed_count: failed.length,
    quarantined: failed
      .filter(({ code }) => code === QUARANTINED)
      .slice(0, MOST_FAILED)
      .map(({ target }) => targetKey(target)),
  };
}

function lagSeconds(
  type: BackupType,
  lag: bigint | undefined,
  dueSince: number | undefined,
  { node }: Known,
  now: number,
): number | undefined {
  if (lag === undefined) return undefined;
  if (lag === 0n) return 0;
  const byRate = rulesOf(type).counts === 'version' ? secondsFor(Number(lag), node) : undefined;
  if (byRate !== undefined) return byRate;
  return dueSince === undefined ? undefined : Math.round((now - dueSince) / 1000);
}

function reasonToWait(
  known: Known,
  type: BackupType,
  decision: Decision | undefined,
  blockedBy: AlarmCode | undefined,
): string | undefined {
  if (known.streams[type].paused) return 'aptos-backup resume';
  const { alarms, node } = known;
  const failed = alarms.find(({ code }) => code === 'WATCH')?.code;
  const alarm = blockedBy ?? (node?.problem === undefined ? undefined : (failed ?? 'NODE'));
  if (alarm !== undefined) return `the end of the alarm ${alarm}`;
  if (decision && 'waitingFor' in decision) return decision.waitingFor;
  if (!known.survey) return 'a first look at the storage';
  return node ? undefined : 'a first look at the node';
}

/** The newest stored epoch or version, its distance to the node, and what is missing below it. */
function coverageOf(
  type: BackupType,
  { survey, node }: Known,
): { newest: bigint | undefined; lag: bigint | undefined; holes: Span[] } {
  if (!survey) return { newest: undefined, lag: undefined, holes: [] };
  const rules = rulesOf(type);
  const runs = rules.stored(survey);
  const newest = runs.at(-1)?.last;
  const lag = node && rules.tip(node) - (newest ?? -1n);
  const holes = newest === undefined || !rules.inRow ? [] : holesUpTo(runs, newest);
  return { newest, lag: atLeastZero(lag), holes };
}

function atLeastZero(lag: bigint | undefined): bigint | undefined {
  return lag !== undefined && lag < 0n ? 0n : lag;
}
