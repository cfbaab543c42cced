// What runs, what failed, who works, and what comes by schedule.
import { byId, el, show } from './dom.js';
import { NAMES, STREAMS, ago, bytes, clock, counted, duration, grouped } from './words.js';

/** @typedef {import('./words.js').PageStatus} PageStatus */
/** @typedef {NonNullable<PageStatus['status']>} Live */

/** @param {PageStatus} status */
export function showWork(status) {
  const live = status.status;
  const cards = [
    card('In work', inWork(status)),
    ...(live ? [card('Failed and in quarantine', failed(status, live))] : []),
    ...(status.workers ? [card('Workers of this host', workers(status))] : []),
    ...(status.pollers ? [card('Workers of all hosts', polling(status, status.pollers))] : []),
    ...(live ? [card('Care', care(status, live))] : []),
    ...(live?.schedules ? [card('Schedules', schedules(status, live))] : []),
  ];
  show(byId('work'), el('div', { class: 'cards' }, cards));
}

/**
 * @param {string} title
 * @param {(Element | string)[]} lines
 */
function card(title, lines) {
  const items = lines.map((line) => el('li', {}, line));
  const body = items.length > 0 ? el('ul', {}, items) : el('p', { class: 'dim' }, 'nothing');
  return el('article', { class: 'card' }, el('h3', {}, title), body);
}

/**
 * A text that leads to a workflow in the Temporal UI, if that is known.
 * @param {PageStatus} status
 * @param {string} id
 * @param {string} text
 */
export function workflowLink({ temporal }, id, text) {
  if (!temporal) return el('span', {}, text);
  const { ui, namespace } = temporal;
  const path = `namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}`;
  return el('a', { href: `${ui}/${path}`, rel: 'noreferrer' }, text);
}

/** @param {PageStatus} status */
function inWork(status) {
  const units = status.units.map((unit) => {
    const { ranges_done: done, ranges_total: total, waiting_for: waitingFor } = unit;
    const ranges = total > 0 ? `, ${done} of ${total} ranges done` : '';
    const waits = waitingFor === undefined ? '' : `, waits for ${waitingFor}`;
    return el(
      'div',
      {},
      workflowLink(status, unit.workflow_id, unit.target),
      `: ${unit.phase}${ranges}${waits}`,
      el(
        'ul',
        {},
        unit.in_flight.map((range) => el('li', {}, rangeText(range))),
        unit.failed.map(({ range, reason }) =>
          el('li', { class: 'critical' }, `${range} failed: ${reason}`),
        ),
      ),
    );
  });
  const shown = new Set(status.units.map((unit) => unit.workflow_id));
  const others = status.running
    .filter((one) => !shown.has(one.workflow_id))
    .map(({ workflow_id: id, type, since }) =>
      el('div', {}, workflowLink(status, id, nameOf(id)), `: ${type}, since ${ago(since, status)}`),
    );
  const retrying = (status.status?.retrying ?? []).map(
    ({ what, attempt, reason }) => `${what}: attempt ${attempt} after: ${reason}`,
  );
  return [...units, ...others, ...retrying];
}

/** What a workflow id says beside the storage. @param {string} id */
function nameOf(id) {
  return id.split('/').slice(2).join('/');
}

/** @param {PageStatus['units'][number]['in_flight'][number]} range */
function rangeText({ what, phase, attempt, reason, records, bytes: stored }) {
  return [
    phase === undefined ? what : `${what}: ${phase}`,
    ...(records === undefined ? [] : [`${grouped(records)} records, ${bytes(stored ?? 0)}`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(reason === undefined ? [] : [`after: ${reason}`]),
  ].join(', ');
}

/**
 * @param {PageStatus} status
 * @param {Live} live
 */
function failed(status, live) {
  const prefix = status.temporal?.prefix ?? '';
  return STREAMS.flatMap((type) => {
    const { failed: units, failed_count: count, quarantined } = live.streams[type];
    const lines = units.map(({ unit, code, reason, attempts, retry_at: at }) =>
      el(
        'div',
        {},
        workflowLink(status, `${prefix}${unit}`, unit),
        `: ${code}: ${reason}; attempt ${attempts}, again ${clock(at)}`,
        quarantined.includes(unit) && el('strong', {}, ' in quarantine'),
        status.controls.refused === undefined && retryButton(unit),
      ),
    );
    const more = count - units.length;
    return [...lines, ...(more > 0 ? [`${more} more of ${NAMES[type]}`] : [])];
  });
}

/** @param {string} unit */
function retryButton(unit) {
  return el('button', { type: 'button', 'data-retry': unit }, `Retry ${unit}`);
}

/** @param {PageStatus} status */
function workers(status) {
  return (status.workers ?? []).map((worker) => {
    const { name, pid, connected, restarts, last_death: death, in_hand: inHand } = worker;
    const hands = Object.entries(inHand).map(([what, count]) => `${count} ${what}`);
    return [
      `${name}: ${pid === undefined ? 'is being started' : `process ${pid}`}`,
      connected ? 'connected' : 'not connected',
      ...hands,
      counted(restarts, 'restart'),
      ...(death ? [`${death.how} ${ago(death.at, status)}`] : []),
    ].join(', ');
  });
}

/**
 * What the server knows of workers of other commands. Their restarts and deaths are on the pages of these.
 * @param {PageStatus} status
 * @param {NonNullable<PageStatus['pollers']>} pollers
 */
function polling(status, pollers) {
  return pollers.map(
    ({ identity, works_on: what, asked_at: at }) =>
      `${identity}: ${what}, last asked for work ${ago(at, status)}`,
  );
}

/**
 * @param {PageStatus} status
 * @param {Live} live
 */
function care(status, { verification: last, drill, copy }) {
  /** @param {string | undefined} at */
  const when = (at) => (at === undefined ? 'never' : ago(at, status));
  /** When something ended, and why, where it failed. @type {Ended} */
  const ended = (at, why) => `${ago(at, status)}${why === undefined ? '' : `: ${why}`}`;
  // By one verification, or by shares, as health and metrics count it.
  const whole = [last?.whole_at ?? '', last?.rotated_at ?? ''].sort().at(-1) || undefined;
  return [
    `Verified: ${when(last?.succeeded_at)}, as a whole: ${when(whole)}${last?.running ? ', one runs' : ''}`,
    ...(last?.failed_at
      ? [`A verification failed: ${ended(last.failed_at, last.failed_why)}`]
      : []),
    ...(last?.read ? [`${last.read.backups} of ${last.read.of} backups read`] : []),
    `Restore drill: ${when(drill?.succeeded_at)}${drill?.running ? ', one runs' : ''}`,
    ...(drill?.failed_at ? [`A drill failed: ${ended(drill.failed_at, drill.failed_why)}`] : []),
    ...(copy ? [aboutCopy(copy, ended)] : []),
  ];
}

/** @typedef {(at: string, why?: string | undefined) => string} Ended */

/**
 * How the copies into the second storage end, and when the next one comes. What it lacks is told above.
 * @param {NonNullable<Live['copy']>} copy
 * @param {Ended} ended
 */
function aboutCopy({ outcome, ended_at: at, why, running, retry_at: again }, ended) {
  const how = outcome === 'failed' ? 'failed' : 'is done,';
  // Of a copy that runs, it is what that one fails at.
  const last =
    at === undefined
      ? 'none has ended'
      : `the last one ${how} ${ended(at, running ? undefined : why)}`;
  const next = again === undefined ? '' : `, again ${clock(again)}`;
  const now = why === undefined ? ', one runs' : `, one runs and fails: ${why}`;
  return `Copies: ${last}${running ? now : next}`;
}

/**
 * @param {PageStatus} status
 * @param {Live} live
 */
function schedules(status, live) {
  return (live.schedules ?? []).map((one) => {
    const { id, paused, every_ms: every, next, overdue, last, outcome, why } = one;
    return [
      `${id.split('/').at(-1)}${every === undefined ? '' : ` every ${duration(every / 1000)}`}`,
      paused ? 'paused' : overdue ? 'OVERDUE' : `next ${next === undefined ? '-' : clock(next)}`,
      `last ${last === undefined ? 'never' : ago(last, status)}${outcome ? `: ${outcome}` : ''}`,
      ...(why === undefined ? [] : [why]),
    ].join(', ');
  });
}
