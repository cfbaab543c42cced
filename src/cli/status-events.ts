import { describeStuck } from '../client/stuck.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { STREAMS } from '../contract/coordinator-state.js';
import type { BackupType } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';
import type { Level, LogFields } from '../lib/host/log.js';
import { withoutNumbers } from '../lib/without-numbers.js';
import { describeSchedule, describeWhy } from '../monitor/format.js';
import { inOperatorWords } from '../monitor/own-work.js';
import { isPaused } from '../monitor/paused.js';
import { unconfirmed } from '../monitor/node-health.js';
import { streamDetails } from '../monitor/stream-details.js';
import { inFlags } from './flag-names.js';

/** Something that happened between two looks at a coordinator. */
export interface StatusEvent {
  level: Level;
  text: string;
  fields: LogFields;
}

/** What has happened since the look before. Before the first look, nothing had. */
export function eventsSince(before: LiveStatus | undefined, now: LiveStatus): StatusEvent[] {
  return [
    ...STREAMS.flatMap((type) => eventsOfStream(before, now, type)),
    ...newOnes(before?.alarms, now.alarms, ({ code, text }) => `${code} ${text}`).map((one) =>
      event('error', `ALARM ${one.code}: ${one.text}`, { event: 'alarm', code: one.code }),
    ),
    ...newOnes(now.alarms, before?.alarms ?? [], ({ code }) => code).map(({ code }) =>
      event('info', `alarm ${code} is over`, { event: 'alarm over', code }),
    ),
    ...newOnes(before?.stuck, now.stuck, describeStuck).map((one) =>
      event('error', `STUCK ${describeStuck(one)}`, { event: 'stuck', workflow: one.workflow_id }),
    ),
    ...newOnes(before?.seen?.resting, now.seen?.resting ?? [], ({ node, why }) => node + why).map(
      ({ node, until, why }) =>
        event('warn', `node ${node} is left until ${until}: ${why}`, { event: 'node', node }),
    ),
    // Once for each reason: an attempt may follow another every few seconds for hours.
    ...newOnes(
      before?.retrying,
      now.retrying,
      (one) => `${one.what} ${withoutNumbers(one.reason)}`,
    ).map(({ what, reason }) =>
      event('warn', `${inOperatorWords(what)} fails and is tried again: ${reason}`, {
        event: 'retry',
      }),
    ),
    ...changesByOthers(before, now),
    ...aroundIt(before, now),
  ];
}

function eventsOfStream(
  before: LiveStatus | undefined,
  now: LiveStatus,
  type: BackupType,
): StatusEvent[] {
  const [was, is] = [before?.streams[type], now.streams[type]];
  const { last_commit: commit, last_error: error, current } = is;
  const stream = { stream: type };
  const events: StatusEvent[] = [];
  if (commit && was && commit.at !== was.last_commit?.at) {
    const more = is.committed - was.committed - 1;
    const others = more > 0 ? ` and ${more} before it` : '';
    const rate = !is.rate ? '' : `, ${is.rate} records/s`;
    const text = `stored ${commit.what}${others}${rate}`;
    events.push(event('info', text, { event: 'commit', ...stream, unit: commit.what }));
  }
  for (const { unit, attempts, reason, code, retry_at: at } of newOnes(
    was?.failed,
    is.failed,
    (one) => `${one.unit} ${one.attempts}`,
  )) {
    const text = `failed ${unit} (attempt ${attempts}, next at ${at}): ${code}: ${reason}`;
    events.push(event('error', text, { event: 'failure', ...stream, unit, code }));
  }
  if (error && error.at !== was?.last_error?.at && !is.failed.some((f) => f.unit === error.unit)) {
    const text = `${error.unit}: ${error.code}: ${error.reason}`;
    events.push(event('warn', text, { event: 'error', ...stream, code: error.code }));
  }
  for (const unit of newOnes(was?.quarantined, is.quarantined, (one) => one)) {
    events.push(event('error', `in quarantine: ${unit}`, { event: 'quarantine', ...stream, unit }));
  }
  if (current && `${current.target} ${current.attempts}` !== begunOf(was)) {
    const again = current.attempts > 1 ? `, attempt ${current.attempts}` : '';
    const text = `backing up ${current.target}${again}`;
    events.push(event('info', text, { event: 'begin', ...stream, unit: current.target }));
  }
  return events;
}

function begunOf(stream: LiveStatus['streams'][BackupType] | undefined): string | undefined {
  return stream?.current && `${stream.current.target} ${stream.current.attempts}`;
}

/** Pauses, resumes and new settings: any command, or the page, may send them. */
function changesByOthers(before: LiveStatus | undefined, now: LiveStatus): StatusEvent[] {
  if (!before) return [];
  const pausedIn = (status: LiveStatus) => STREAMS.filter((type) => isPaused(status.streams[type]));
  const [were, are] = [pausedIn(before), pausedIn(now)];
  const paused = are.filter((type) => !were.includes(type));
  const resumed = were.filter((type) => !are.includes(type));
  const named = (types: BackupType[]) => types.map((type) => rulesOf(type).words.many).join(', ');
  const [only, second] = paused;
  const which = only === undefined || second !== undefined ? '' : ` ${only.replaceAll('_', '-')}`;
  const [old, settings] = [before.settings, now.settings];
  const changes = Object.entries((old && settings) ?? {}).flatMap(([name, value]) => {
    const was = old?.[name];
    return was === value || was === undefined ? [] : [`${name} ${was} -> ${value}`];
  });
  return [
    ...(paused.length > 0
      ? [
          event('warn', `paused: ${named(paused)}; to go on: aptos-backup resume${which}`, {
            event: 'pause',
          }),
        ]
      : []),
    ...(resumed.length > 0
      ? [event('info', `resumed: ${named(resumed)}`, { event: 'resume' })]
      : []),
    ...(changes.length > 0
      ? [event('info', `new settings: ${inFlags(changes.join(', '))}`, { event: 'settings' })]
      : []),
  ];
}

/** What others did: verifications, drills, copies, schedules, and what nobody has confirmed. */
function aroundIt(before: LiveStatus | undefined, now: LiveStatus): StatusEvent[] {
  const events: StatusEvent[] = [];
  const genesis = now.seen?.unconfirmed_genesis;
  if (genesis !== undefined && genesis !== before?.seen?.unconfirmed_genesis) {
    events.push(event('warn', `unconfirmed: ${unconfirmed(genesis)}`, { event: 'unconfirmed' }));
  }
  if (!before) return events;
  const ends = [
    ['verification', before.verification, now.verification],
    ['restore drill', before.drill, now.drill],
  ] as const;
  for (const [what, was, is] of ends) {
    if (is?.succeeded_at !== undefined && is.succeeded_at !== was?.succeeded_at) {
      events.push(event('info', `a ${what} succeeded`, { event: what }));
    }
    if (is?.failed_at !== undefined && is.failed_at !== was?.failed_at) {
      const text = `a ${what} failed, at ${is.failed_at}${describeWhy(is)}`;
      events.push(event('error', text, { event: what }));
    }
  }
  const { copy } = now;
  if (copy?.ended_at !== undefined && copy.ended_at !== before.copy?.ended_at) {
    const failed = copy.outcome === 'failed';
    const text = failed
      ? `a copy into ${copy.to} failed, at ${copy.ended_at}${describeWhy({ failed_why: copy.why })}`
      : `a copy into ${copy.to} is done`;
    events.push(event(failed ? 'error' : 'info', text, { event: 'copy' }));
  }
  return [...events, ...schedulesRun(before, now)];
}

type Schedule = NonNullable<LiveStatus['schedules']>[number];

/** Of these an own event tells that they succeeded. */
const TOLD_KINDS = ['verify', 'drill'];

/** What schedules did: one that removes things must not do so without a word. */
function schedulesRun(before: LiveStatus, now: LiveStatus): StatusEvent[] {
  const key = ({ id, last, outcome }: Schedule) => `${id} ${last} ${outcome}`;
  return newOnes(before.schedules, now.schedules ?? [], key).flatMap((one) => {
    const kind = one.id.split('/').at(-1) ?? '';
    const failed = one.outcome === 'failed';
    if (!failed && (one.outcome !== 'done' || TOLD_KINDS.includes(kind))) return [];
    const fields = { event: 'schedule', schedule: one.id };
    return [event(failed ? 'error' : 'info', `schedule ${kind}: ${describeSchedule(one)}`, fields)];
  });
}

/** The state in one line. */
export function summaryOf(status: LiveStatus, now: number): string {
  const { seen, phase, alarms, stuck } = status;
  const at = seen
    ? `node at version ${seen.version}, ${seen.ended_epochs} epochs ended`
    : 'node not seen yet';
  const streams = STREAMS.map((type) => {
    const { newest, lag, doing, progress } = streamDetails(status, type, now);
    const { current } = status.streams[type];
    const behind = lag === undefined || lag === '0' ? '' : `, ${lag} behind`;
    const work = current ? `, ${doing}${progress === undefined ? '' : `, ${progress}`}` : '';
    const to = newest === undefined ? 'nothing stored yet' : `to ${newest}`;
    const paused = isPaused(status.streams[type]) ? ', paused' : '';
    return `${rulesOf(type).words.many} ${to}${behind}${work}${paused}`;
  });
  const wrong = [
    ...(alarms.length > 0
      ? [`${alarms.length} alarm(s): ${alarms.map((a) => a.code).join(', ')}`]
      : []),
    ...(stuck.length > 0 ? [`${stuck.length} stuck workflow(s)`] : []),
  ];
  return `${phase}: ${[at, ...streams, ...wrong].join('; ')}`;
}

function event(level: Level, text: string, fields: LogFields): StatusEvent {
  return { level, text, fields };
}

/** Those of `now` that were not there before. */
function newOnes<T>(before: readonly T[] = [], now: readonly T[], keyOf: (one: T) => string): T[] {
  const known = new Set(before.map(keyOf));
  return now.filter((one) => !known.has(keyOf(one)));
}
