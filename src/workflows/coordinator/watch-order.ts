import { STREAMS, type WatchOrder } from '../../contract/coordinator-state.js';
import type { Decision } from '../../contract/kinds/situation.js';
import type { BackupType } from '../../contract/job.js';
import { holesUpTo, spanOf } from '../../lib/spans.js';
import type { Known } from '../../contract/known.js';
import type { Running } from './running-unit.js';

/** What the watch on the node looks for, so that no stream waits longer than it must. */
export function watchOrderOf(
  known: Known,
  running: Running,
  waiting: Partial<Record<BackupType, Decision>>,
  { tidying, watchFailed: failed }: { tidying: boolean; watchFailed: boolean },
): WatchOrder {
  const { settings, survey, node, streams, tidyAt, alarms, copy } = known;
  const waits = Object.values(waiting).filter((d) => 'waitingFor' in d);
  const version = lowest(waits.map((w) => w.version));
  const ended = lowest(waits.map((w) => w.ended));
  const until = [
    ...waits.flatMap((w) => w.until ?? []),
    ...retryTimes(known, running),
    ...(tidyAt === undefined || tidying ? [] : [tidyAt]),
    ...(copy && copy.failures > 0 && !copy.running ? [copy.retryAt] : []),
  ].sort((a, b) => a - b)[0];
  const versions = survey ? survey.versions.map(spanOf) : [];
  const [hole] = holesUpTo(versions, BigInt(node?.version ?? 0));
  const last = versions.at(-1)?.last;
  const unit = running.state_snapshot;
  const due = unit?.target ?? streams.state_snapshot.failed[0]?.target;
  const watchFailed = failed || alarms.some(({ code }) => code === 'WATCH');
  return {
    settings,
    ...{ version, ended, until },
    need: `${hole?.first ?? (last ?? -1n) + 1n}`,
    stored: last?.toString(),
    snapshotDue: due?.type === 'state_snapshot' ? due.epoch : undefined,
    snapshot:
      unit?.target.type === 'state_snapshot'
        ? { epoch: unit.target.epoch, workflowId: unit.workflowId }
        : undefined,
    // After a failed watch, the next one returns as soon as it has seen the node. That ends the alarm.
    view: watchFailed ? undefined : node,
    keepClaim: true,
  };
}

/** The order in a few words, for the Temporal UI. */
export function watchSummary({ version, ended, until }: WatchOrder): string {
  const aims = [
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(ended === undefined ? [] : [`epoch ${BigInt(ended) - 1n} to end`]),
    ...(until === undefined ? [] : [new Date(until).toISOString()]),
  ];
  return `watch the node${aims.length > 0 ? ` for ${aims.join(' or ')}` : ''}`.slice(0, 200);
}

/**
 * When failed units are due again, in streams that are free to try them. Other times are left out: a
 * watch that returns for nothing would start again at once.
 */
function retryTimes({ streams, node }: Known, running: Running): number[] {
  if (node?.problem !== undefined) return [];
  const free = STREAMS.filter(
    (type) => !running[type] && !streams[type].paused && streams[type].requested.length === 0,
  );
  return free.flatMap((type) => streams[type].failed.map(({ retryAt }) => retryAt));
}

function lowest(numbers: (string | undefined)[]): string | undefined {
  const known = numbers.flatMap((n) => (n === undefined ? [] : [BigInt(n)]));
  if (known.length === 0) return undefined;
  return `${known.reduce((a, b) => (a < b ? a : b))}`;
}
