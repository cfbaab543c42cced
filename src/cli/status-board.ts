import { setTimeout as sleep } from 'node:timers/promises';
import { unconfirmed } from '../monitor/node-health.js';
import { notificationTroubles } from '../monitor/notification-health.js';
import { describeStuck } from '../client/stuck.js';
import { rulesOf } from '../contract/kinds/index.js';
import { describeLimits } from '../contract/node-limits.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { describeRead, describeSchedule, describeWhy, since, tipAge } from '../monitor/format.js';
import { describeCopy } from '../monitor/describe-copy.js';
import { describeRestorable } from '../monitor/describe-restorable.js';
import { inOperatorWords } from '../monitor/own-work.js';
import { isPaused } from '../monitor/paused.js';
import { streamDetails } from '../monitor/stream-details.js';
import { wholeProvenAt } from '../monitor/verified-age.js';
import { board, say } from './say.js';
import { eventsSince, summaryOf } from './status-events.js';
import { print } from './print.js';
import type { LastDrill, LastVerification, LiveStatus } from '../contract/answers/shown-answers.js';

const TTY_INTERVAL_MS = 1_000;
const LINES_INTERVAL_MS = 5_000;
/** One line a minute, as exactly as looks allow. */
const SUMMARY_MS = 60_000 - LINES_INTERVAL_MS / 2;
/** One line a minute at least, reached with the next look before the minute is over. */
const JSON_AT_LEAST_MS = 60_000 - LINES_INTERVAL_MS;
/** Fields that change merely because time passes. */
const PASSING = new Set(['lag_seconds', 'eta_seconds', 'seconds', 'rate']);

/**
 * Shows a coordinator's status repeatedly. On a terminal, events scroll above a board. Elsewhere, each event is a line,
 * and so is a summary once a minute. With JSON on stdout, events are lines on stderr as well; it prints changes, and one
 * line a minute, so that the reader knows that it is current.
 */
export class StatusBoard {
  private before: LiveStatus | undefined;
  private last = '';
  private printedAt = -Infinity;

  constructor(private readonly json: boolean) {}

  show(status: LiveStatus): void {
    for (const { level, text, fields } of eventsSince(this.before, status)) {
      say(text, level, fields);
    }
    const entered = this.before?.phase !== status.phase;
    this.remember(status);
    if (this.json) this.printJson(status, withoutTimes(status));
    else this.print(status, entered);
  }

  /** Shows why there is no status. */
  trouble(text: string): void {
    if (this.json) this.printJson({ trouble: text }, text);
    else if (text !== this.last) say(text, 'error');
    this.last = text;
  }

  /** Prints when `state` has changed, or when nothing was printed for a while. */
  private printJson(value: object, state: string): void {
    const now = performance.now();
    if (state === this.last && now - this.printedAt < JSON_AT_LEAST_MS) return;
    print(JSON.stringify(value));
    this.last = state;
    this.printedAt = now;
  }

  private print(status: LiveStatus, entered: boolean): void {
    this.last = '';
    const screen = board();
    if (screen) return screen.show(describeStatus(status, Date.now()));
    const now = performance.now();
    if (!entered && now - this.printedAt < SUMMARY_MS) return;
    this.printedAt = now;
    say(summaryOf(status, Date.now()), 'info', { event: 'summary' });
  }

  /** While the node is looked at anew, nothing is known of it. What was told before is no news then. */
  private remember(status: LiveStatus): void {
    const told = this.before?.seen?.unconfirmed_genesis;
    const seen = status.seen ?? this.before?.seen;
    const known = told === undefined ? {} : { unconfirmed_genesis: told };
    this.before = { ...status, seen: seen && { ...known, ...seen } };
  }

  /** Waits for the next look, or for the signal. */
  async pause(signal: AbortSignal): Promise<void> {
    const wait = board() ? TTY_INTERVAL_MS : LINES_INTERVAL_MS;
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }

  end(): void {
    board()?.leave();
  }
}

/** A status as text, without ages and without the time of the look. */
function withoutTimes({ seen, ...status }: LiveStatus): string {
  return JSON.stringify({ ...status, seen: seen && { ...seen, at: '' } }, (key, value: unknown) =>
    PASSING.has(key) ? undefined : value,
  );
}

/** Renders a status for people: the node, one line per stream, alarms. With `now`, ages too. */
export function describeStatus(status: LiveStatus, now?: number): string[] {
  const { seen, alarms, stuck, verification, drill, unreferenced, retrying, restorable } = status;
  const { copy, node_limits: limits } = status;
  const at = seen
    ? `${seen.node === undefined ? 'node' : `node ${seen.node}`} at version ${seen.version}, ${seen.ended_epochs} epochs ended${tipAge(seen, now)}`
    : 'node not seen yet';
  return [
    `${status.phase}: ${at}`,
    ...STREAMS.map((type) => {
      const details = streamDetails(status, type, now);
      const { newest, lag, age, doing, progress, failed, error, quarantined, edge } = details;
      const parts = [
        newest === undefined ? 'nothing stored yet' : `stored to ${newest}`,
        ...(lag === undefined ? [] : [`${lag} behind`]),
        ...(age === undefined ? [] : [`last commit ${age}`]),
        doing,
        ...(status.streams[type].current && isPaused(status.streams[type])
          ? ['paused until aptos-backup resume']
          : []),
        ...(progress === undefined ? [] : [progress]),
        ...(edge === undefined || now === undefined ? [] : [`${edge} to the prune edge`]),
        ...(failed === undefined ? [] : [failed]),
        ...(quarantined === undefined ? [] : [`in quarantine: ${quarantined}`]),
        ...(error === undefined ? [] : [`last error ${error}`]),
      ];
      return `  ${rulesOf(type).words.many.padEnd(15)} ${parts.join(', ')}`;
    }),
    ...(limits ? [`  node limits     at most ${describeLimits(limits)}`] : []),
    ...(restorable ? [`  restorable      ${describeRestorable(restorable)}`] : []),
    ...(copy ? [`  copy            ${describeCopy(copy, now)}`] : []),
    ...(verification && now !== undefined
      ? [`  verified        ${verified(verification, now)}`]
      : []),
    ...(drill && now !== undefined ? [`  drill           ${drilled(drill, now)}`] : []),
    ...(now === undefined ? [] : (status.schedules ?? [])).map(
      (one) => `  schedule        ${one.id.split('/').at(-1)}: ${describeSchedule(one)}`,
    ),
    ...(unreferenced && unreferenced.folders > 0
      ? [
          `  unreferenced    ${unreferenced.folders} folder(s), first ${unreferenced.first[0]!.folder} (${unreferenced.first[0]!.what})`,
        ]
      : []),
    ...retrying
      // What an alarm says need not be said again.
      .filter(({ reason }) => !alarms.some(({ text }) => text.includes(reason)))
      .slice(0, 3)
      .map(
        ({ what, attempt, reason }) =>
          `  ${inOperatorWords(what)}: attempt ${attempt} after: ${reason}`,
      ),
    ...(seen?.unconfirmed_genesis === undefined
      ? []
      : [`  unconfirmed     ${unconfirmed(seen.unconfirmed_genesis)}`]),
    ...(seen?.resting ?? []).map((r) => `  node ${r.node} is left until ${r.until}: ${r.why}`),
    ...alarms.map(({ code, text, since }) => `  ALARM ${code} since ${since}: ${text}`),
    ...notificationTroubles(status.notifications).map(({ what }) => `  FAILS ${what}`),
    ...stuck.map((workflow) => `  STUCK ${describeStuck(workflow)}`),
  ];
}

function drilled(last: LastDrill, now: number): string {
  const { running, succeeded_at: at, restored_at: restoredAt, failed_at: failedAt } = last;
  return [
    at === undefined ? 'none has succeeded' : `succeeded ${since(at, now)} ago, at ${at}`,
    ...(restoredAt === undefined ? [] : [`restored with the stock tool at ${restoredAt}`]),
    ...(failedAt !== undefined && failedAt > (at ?? '')
      ? [`FAILED at ${failedAt}${describeWhy(last)}`]
      : []),
    ...(running ? ['one runs'] : []),
  ].join(', ');
}

function verified(last: LastVerification, now: number): string {
  const { running, succeeded_at: succeededAt, failed_at: failedAt } = last;
  const wholeAt = wholeProvenAt(last);
  return [
    ...(succeededAt === undefined ? [] : [`last at ${succeededAt}`]),
    wholeAt !== undefined
      ? `the whole storage at ${wholeAt}`
      : succeededAt === undefined
        ? 'not yet'
        : 'never the whole storage',
    ...(failedAt === undefined ? [] : [`failed at ${failedAt}${describeWhy(last)}`]),
    ...(running ? ['a verification runs'] : []),
    ...describeRead(last, now),
  ].join(', ');
}
