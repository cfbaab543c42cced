import type {
  CoordinatorMemory,
  CoordinatorStatus,
  StreamStatus,
  Unreferenced,
} from '../../plan/coordinator.js';
import { type Decision, spans } from '../../plan/decide.js';
import { type BackupType, describeTarget, targetKey } from '../../plan/job.js';
import { QUARANTINED } from '../../plan/messages.js';
import { shorten } from '../../plan/shorten.js';
import { type Span, holesUpTo } from '../../plan/spans.js';
import { escapeMarkdown } from '../totals.js';
import { pruneEdgeOf, secondsFor } from './prune-edge.js';
import { type Running, isSameUnit } from './units.js';

const MOST_HOLES = 20;
const MOST_FAILED = 20;
/** An error in a table of the UI. */
const SHORT = 120;
/** A unit that took less says nothing about the rate of a long one. */
const LEAST_SECONDS = 2;
const iso = (ms: number) => new Date(ms).toISOString();

/** The coordinator's `status` query. */
export function statusOf(
  memory: CoordinatorMemory,
  running: Running,
  waiting: Partial<Record<BackupType, Decision>>,
  blockedBy: string | undefined,
  now: number,
): CoordinatorStatus {
  const stream = (type: BackupType) =>
    streamStatus(type, memory, running, waiting[type], blockedBy, now);
  const streams = {
    epoch_ending: stream('epoch_ending'),
    state_snapshot: stream('state_snapshot'),
    transaction: stream('transaction'),
  };
  const { settings, node, lookedAnewAt, alarms } = memory;
  return {
    phase: phaseOf(memory, streams, blockedBy),
    node: settings.nodes[0]!,
    nodes: settings.nodes,
    storage: settings.storage.local_fs_dir,
    ...(settings.network === undefined ? {} : { network: settings.network }),
    ...(node
      ? {
          seen: {
            ended_epochs: node.ended,
            version: node.version,
            at: iso(node.at),
            ...(node.oldestVersion === undefined ? {} : { oldest_version: node.oldestVersion }),
            ...(node.node === undefined ? {} : { node: node.node }),
          },
        }
      : {}),
    ...(lookedAnewAt === undefined ? {} : { lookedAnewAt: iso(lookedAnewAt) }),
    concurrency: settings.concurrency,
    streams,
    alarms: alarms.map(({ code, text, since }) => ({ code, text, since: iso(since) })),
    startedAt: iso(memory.startedAt),
    ...(memory.unreferenced ? { unreferenced: unreferencedOf(memory.unreferenced) } : {}),
    runs: memory.runs,
    ...(memory.survey?.files === undefined ? {} : { metadataFiles: memory.survey.files }),
  };
}

function unreferencedOf({ folders, first, files }: Unreferenced) {
  return { folders, first, files };
}

function phaseOf(
  memory: CoordinatorMemory,
  streams: Record<BackupType, StreamStatus>,
  blockedBy: string | undefined,
): CoordinatorStatus['phase'] {
  const states = Object.values(streams).map(({ state }) => state);
  if (blockedBy !== undefined || memory.alarms.length > 0) return 'trouble';
  if (!memory.survey || !memory.node) return 'starting';
  if (states.every((state) => state === 'paused')) return 'paused';
  return states.includes('working') ? 'working' : 'following';
}

function streamStatus(
  type: BackupType,
  memory: CoordinatorMemory,
  running: Running,
  decision: Decision | undefined,
  blockedBy: string | undefined,
  now: number,
): StreamStatus {
  const stream = memory.streams[type];
  const unit = running[type];
  const waitingFor = unit ? undefined : reasonToWait(memory, type, decision, blockedBy);
  const { newest, lag, holes } = coverageOf(type, memory);
  const { lastCommit, lastError, dueSince, failed } = stream;
  const edge = pruneEdgeOf(type, memory)?.edge;
  const rate =
    lastCommit && lastCommit.seconds >= LEAST_SECONDS
      ? Number(lastCommit.records) / lastCommit.seconds
      : 0;
  const perSecond = memory.node?.versionsPerSecond ?? 0;
  return {
    state: unit ? 'working' : stream.paused ? 'paused' : failed.length > 0 ? 'failing' : 'waiting',
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(unit
      ? {
          current: {
            target: describeTarget(unit.target),
            workflowId: unit.workflowId,
            since: iso(unit.since),
            attempts: 1 + (failed.find((f) => isSameUnit(f.target, unit.target))?.attempts ?? 0),
          },
        }
      : {}),
    ...(lastCommit ? { lastCommit: { what: lastCommit.what, at: iso(lastCommit.at) } } : {}),
    ...(lastError ? { lastError: { ...lastError, at: iso(lastError.at) } } : {}),
    ...(dueSince === undefined ? {} : { dueSince: iso(dueSince) }),
    ...(newest === undefined ? {} : { newest: `${newest}` }),
    ...(lag === undefined
      ? {}
      : { lag: `${lag}`, ...lagSeconds(type, lag, dueSince, memory, now) }),
    ...(edge ? { pruneEdge: edge } : {}),
    ...(rate > 0 ? { rate: Math.round(rate) } : {}),
    ...(rate > perSecond && lag !== undefined && lag > 0n && type === 'transaction'
      ? { etaSeconds: Math.round(Number(lag) / (rate - perSecond)) }
      : {}),
    holes: holes.slice(0, MOST_HOLES).map((h) => ({ first: `${h.first}`, last: `${h.last}` })),
    failed: failed.slice(0, MOST_FAILED).map(({ target, reason, code, attempts, retryAt }) => ({
      unit: targetKey(target),
      reason,
      code,
      attempts,
      retryAt: iso(Math.max(retryAt, now)),
    })),
    failedCount: failed.length,
    quarantined: failed
      .filter(({ code }) => code === QUARANTINED)
      .slice(0, MOST_FAILED)
      .map(({ target }) => targetKey(target)),
    committed: stream.committed,
    committedRecords: stream.committedRecords ?? '0',
    committedBytes: stream.committedBytes ?? 0,
    failures: { ...stream.failures },
  };
}

function lagSeconds(
  type: BackupType,
  lag: bigint,
  dueSince: number | undefined,
  { node }: CoordinatorMemory,
  now: number,
): { lagSeconds?: number } {
  if (lag === 0n) return { lagSeconds: 0 };
  const byRate = type === 'transaction' ? secondsFor(Number(lag), node) : undefined;
  if (byRate !== undefined) return { lagSeconds: byRate };
  return dueSince === undefined ? {} : { lagSeconds: Math.round((now - dueSince) / 1000) };
}

function reasonToWait(
  memory: CoordinatorMemory,
  type: BackupType,
  decision: Decision | undefined,
  blockedBy: string | undefined,
): string | undefined {
  if (memory.streams[type].paused) return 'the update "resume"';
  if (blockedBy !== undefined) return blockedBy;
  if (memory.node?.problem !== undefined) return memory.node.problem;
  if (decision && 'waitingFor' in decision) return decision.waitingFor;
  if (!memory.survey) return 'a first look at the storage';
  return memory.node ? undefined : 'a first look at the node';
}

/** The newest that is stored, how far that is behind the node, and what is missing below it. */
function coverageOf(
  type: BackupType,
  { survey, node }: CoordinatorMemory,
): { newest?: bigint; lag?: bigint; holes: Span[] } {
  if (!survey) return { holes: [] };
  if (type === 'state_snapshot') {
    const [newest] = survey.snapshots.map(BigInt).sort((a, b) => (a > b ? -1 : 1));
    const lag = node ? BigInt(node.ended) - 1n - (newest ?? -1n) : undefined;
    return { holes: [], ...(newest === undefined ? {} : { newest }), ...atLeastZero(lag) };
  }
  const runs = spans(type === 'epoch_ending' ? survey.epochs : survey.versions);
  const newest = runs.at(-1)?.last;
  const tip = node && (type === 'epoch_ending' ? BigInt(node.ended) - 1n : BigInt(node.version));
  const lag = tip === undefined ? undefined : tip - (newest ?? -1n);
  const holes = newest === undefined ? [] : holesUpTo(runs, newest);
  return { ...(newest === undefined ? {} : { newest }), ...atLeastZero(lag), holes };
}

function atLeastZero(lag: bigint | undefined): { lag?: bigint } {
  if (lag === undefined) return {};
  return { lag: lag > 0n ? lag : 0n };
}

/** The status as Markdown, for the Temporal UI's Current Details. */
export function describeStatus(status: CoordinatorStatus): string {
  const rows = Object.entries(status.streams).map(([name, s]) => {
    const again = s.current && s.current.attempts > 1 ? ` (attempt ${s.current.attempts})` : '';
    const doing = s.current ? s.current.target + again : `${s.state}: ${s.waitingFor ?? ''}`;
    const edge = s.pruneEdge ? `${s.pruneEdge.versions} versions` : '-';
    const error = s.lastError ? shorten(`${s.lastError.code}: ${s.lastError.reason}`, SHORT) : '-';
    const quarantined = s.quarantined.length > 0 ? `; quarantined: ${s.quarantined.join()}` : '';
    const cells = [name, s.newest, s.lag, s.lastCommit?.at, doing, error + quarantined, edge];
    return `| ${cells.map((cell) => escapeMarkdown(cell ?? '-')).join(' | ')} |`;
  });
  const alarms = status.alarms.map((a) => `- **${a.code}** ${escapeMarkdown(a.text)}`);
  return [
    `**${status.phase}**: ${escapeMarkdown(status.nodes.join(', '))} to ${escapeMarkdown(status.storage)}`,
    [
      '| stream | newest | behind | last commit | doing | last error | to the prune edge |',
      '|---|---|---|---|---|---|---|',
      ...rows,
    ].join('\n'),
    alarms.join('\n'),
  ].join('\n\n');
}
