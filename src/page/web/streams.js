// The three streams, each with its last day.
import { byId, el, show } from './dom.js';
import { NAMES, STREAMS, ago, bytes, counted, duration, grouped } from './words.js';

/** @typedef {import('./words.js').PageStatus} PageStatus */
/** @typedef {import('./words.js').BackupType} BackupType */
/** @typedef {import('../../contract/answers/page-answers.js').Sample} Sample */

const WIDTH = 288;
const HEIGHT = 40;
/** A unit without progress for so long has no rate, as on the board of `up`. */
const STANDS_MS = 60_000;

/** @param {PageStatus} status */
export function showStreams(status) {
  const live = status.status;
  const cards = live ? STREAMS.map((type) => card(type, status, live)) : [];
  show(byId('streams'), ...cards, cards.length === 0 && 'No status of a coordinator.');
}

/**
 * @param {BackupType} type
 * @param {PageStatus} status
 * @param {NonNullable<PageStatus['status']>} live
 */
function card(type, status, live) {
  const stream = live.streams[type];
  const unit = live.progress[type];
  const { current, waiting_for: waitingFor, prune_edge: edge, last_error: error } = stream;
  const now = Date.parse(status.at);
  const still = now - (unit?.advanced_at ?? now);
  const moves = current !== undefined && still < STANDS_MS;
  const left = unit?.rate ? (unit.total - unit.done) / unit.rate : stream.eta_seconds;
  const rate = unit?.rate ?? stream.rate;
  const behind = stream.lag_seconds ? ` (${duration(stream.lag_seconds)})` : '';
  /** @type {[string, string | undefined][]} */
  const rows = [
    ['stored to', stream.newest === undefined ? 'nothing yet' : grouped(stream.newest)],
    ['behind', stream.lag === undefined ? undefined : `${grouped(stream.lag)}${behind}`],
    ['last commit', stream.last_commit && ago(stream.last_commit.at, status)],
    [
      'doing',
      current
        ? `${current.target}${stream.paused ? ', paused' : ''}`
        : `${stream.state}${waitingFor ? `, for ${waitingFor}` : ''}`,
    ],
    ['attempt', current && current.attempts > 1 ? `${current.attempts}` : undefined],
    ['progress', unit && unit.total > 0 ? progress(unit) : undefined],
    ['rate', moves && rate !== undefined ? `${grouped(Math.round(rate))} records/s` : undefined],
    ['ETA', moves && left !== undefined && left > 0 ? duration(left) : undefined],
    ['not moved for', current && !moves ? duration(still / 1000) : undefined],
    ['prune edge', edge && edgeText(edge)],
    ['last error', error && `${error.code}: ${error.reason}, ${ago(error.at, status)}`],
  ];
  return el(
    'article',
    { class: 'card', id: `stream-${type}` },
    el('h3', {}, NAMES[type]),
    el(
      'dl',
      {},
      rows.flatMap(([name, value]) => (value ? [el('dt', {}, name), el('dd', {}, value)] : [])),
    ),
    sparkline(status.history?.[type] ?? []),
  );
}

/** @param {{ done: number, total: number, bytes: number }} unit */
function progress({ done, total, bytes: stored }) {
  return `${Math.floor((100 * done) / total)} %, ${bytes(stored)}`;
}

/** @param {{ versions: number, seconds?: number | undefined }} edge */
function edgeText({ versions, seconds }) {
  const time = seconds === undefined ? '' : ` (${duration(seconds)})`;
  return `${counted(versions, 'version')} away${time}`;
}

/** @param {Sample[]} samples */
function sparkline(samples) {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || first === last) return el('p', { class: 'dim' }, 'no history yet');
  const most = Math.max(...samples.map(({ rate }) => rate));
  const [from, to] = [Date.parse(first.at), Date.parse(last.at)];
  const points = samples.map(({ at, rate }) => {
    const x = (WIDTH * (Date.parse(at) - from)) / (to - from || 1);
    return `${x.toFixed(1)},${(HEIGHT - 2 - ((HEIGHT - 4) * rate) / (most || 1)).toFixed(1)}`;
  });
  const says = `records a second in the last ${duration((to - from) / 1000)}, at most ${grouped(most)}`;
  return el(
    'figure',
    {},
    el(
      'svg',
      {
        class: 'spark',
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': says,
      },
      el('polyline', { points: points.join(' ') }),
    ),
    el('figcaption', { class: 'dim' }, says),
  );
}
