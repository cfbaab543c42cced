import { type CoordinatorMemory, STREAMS, type WatchOrder } from '../../plan/coordinator.js';
import { type Decision, spans } from '../../plan/decide.js';
import type { BackupType } from '../../plan/job.js';
import { holesUpTo } from '../../plan/spans.js';
import type { Running } from './units.js';

/** What the watch on the node is to look out for, so that nothing that can be done waits. */
export function watchOrderOf(
  memory: CoordinatorMemory,
  running: Running,
  waiting: Partial<Record<BackupType, Decision>>,
  tidying: boolean,
): WatchOrder {
  const { settings, survey, node, streams, tidyAt, alarms } = memory;
  const waits = Object.values(waiting).filter((d) => 'waitingFor' in d);
  const version = lowest(waits.map((w) => w.version));
  const ended = lowest(waits.map((w) => w.ended));
  const until = [
    ...waits.flatMap((w) => w.until ?? []),
    ...retryTimes(memory, running),
    ...(tidyAt === undefined || tidying ? [] : [tidyAt]),
  ].sort((a, b) => a - b)[0];
  const versions = survey ? spans(survey.versions) : [];
  const [hole] = holesUpTo(versions, BigInt(node?.version ?? 0));
  const last = versions.at(-1)?.last;
  const unit = running.state_snapshot;
  const due = unit?.target ?? streams.state_snapshot.failed[0]?.target;
  const watchFailed = alarms.some(({ code }) => code === 'WATCH');
  return {
    settings,
    ...(version === undefined ? {} : { version }),
    ...(ended === undefined ? {} : { ended }),
    ...(until === undefined ? {} : { until }),
    need: `${hole?.first ?? (last ?? -1n) + 1n}`,
    ...(last === undefined ? {} : { stored: `${last}` }),
    ...(due?.type === 'state_snapshot' ? { snapshotDue: due.epoch } : {}),
    ...(unit?.target.type === 'state_snapshot'
      ? { snapshot: { epoch: unit.target.epoch, workflowId: unit.workflowId } }
      : {}),
    // After a watch that failed the next one returns as soon as it has seen the node: it works again.
    ...(node && !watchFailed ? { view: node } : {}),
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
 * When what failed is due again, in streams that are free to try. Only what will be done then: a watch
 * that returns for nothing is begun again at once.
 */
function retryTimes({ streams, node }: CoordinatorMemory, running: Running): number[] {
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
