// Draws the coverage as SVG: one row for each kind, and what the node has.
import { el, show } from './dom.js';
import { ticks } from './coverage-view.js';
import { NAMES, STREAMS, grouped } from './words.js';

/** @typedef {import('../../contract/answers/page-answers.js').PageCoverage} PageCoverage */
/** @typedef {import('../../contract/answers/page-answers.js').CoveragePart} CoveragePart */
/** @typedef {import('./words.js').BackupType} BackupType */
/** @typedef {{ kind: BackupType, part: CoveragePart }} Shown */

const ROW = 44;
const BAR = 20;
const LABEL = 18;
const TICK_WIDTH = 110;
const LETTER = 8;
/** A part is never narrower, so that it can be seen and met. */
const LEAST_WIDTH = 2;

/** The parts in the order in which keys walk through them. @param {PageCoverage} coverage @returns {Shown[]} */
export function partsOf({ rows }) {
  return STREAMS.flatMap((kind) => rows[kind].map((part) => ({ kind, part })));
}

/** @param {Shown} shown */
export function keyOf({ kind, part }) {
  return `${kind} ${part.first}`;
}

/**
 * @param {Element} map
 * @param {PageCoverage} coverage
 * @param {{ oldest?: number | undefined, newest?: number | undefined }} node
 * @param {{ view: import('./coverage-view.js').View, chosen: string | undefined }} state
 */
export function drawMap(map, coverage, node, { view, chosen }) {
  const width = Math.max(200, map.clientWidth);
  const height = ROW * 4 + LABEL + 6;
  /** @param {number} version */
  const x = (version) => {
    const at = (width * (version - view.first)) / (view.last + 1 - view.first);
    return Math.min(width + 5, Math.max(-5, at));
  };
  const rows = STREAMS.map((kind, index) =>
    el(
      'g',
      {},
      el('text', { x: 0, y: ROW * index + LABEL - 4 }, NAMES[kind]),
      coverage.rows[kind].map((part) => shape({ kind, part }, x, ROW * index + LABEL, chosen)),
    ),
  );
  const bottom = ROW * 4 + 2;
  const svg = el(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, height, 'aria-hidden': 'true' },
    rows,
    nodeRow(node, x, ROW * 3),
    el('line', { class: 'axis', x1: 0, x2: width, y1: bottom, y2: bottom }),
    ticks(view, Math.max(2, width / TICK_WIDTH)).map((at) => tick(at, x(at), width, bottom)),
  );
  show(map, svg);
}

/**
 * @param {number} at
 * @param {number} x
 * @param {number} width
 * @param {number} y
 */
function tick(at, x, width, y) {
  const anchor = x < 30 ? 'start' : x > width - 40 ? 'end' : 'middle';
  return el(
    'g',
    {},
    el('line', { class: 'axis', x1: x, x2: x, y1: y, y2: y + 4 }),
    el('text', { x, y: y + LABEL - 2, 'text-anchor': anchor }, grouped(at)),
  );
}

/**
 * @param {Shown} shown
 * @param {(version: number) => number} x
 * @param {number} y
 * @param {string | undefined} chosen
 */
function shape(shown, x, y, chosen) {
  const { kind, part } = shown;
  const key = keyOf(shown);
  const attributes = {
    class: `${part.state}${key === chosen ? ' chosen' : ''}`,
    'data-part': key,
  };
  const [from, to] = [x(Number(part.first)), x(Number(part.last) + 1)];
  const title = el('title', {}, describePart(shown));
  if (kind === 'state_snapshot' && part.first === part.last) {
    const points = `${from - 6},${y + BAR} ${from + 6},${y + BAR} ${from},${y}`;
    return el('polygon', { ...attributes, points }, title);
  }
  const width = Math.max(LEAST_WIDTH, to - from - 0.5);
  const bar = el('rect', { ...attributes, x: from, y, width, height: BAR }, title);
  const epochs = epochsOf(part);
  if (epochs === '' || width < LETTER * epochs.length) return bar;
  const middle = { x: from + width / 2, y: y + BAR - 6, 'text-anchor': 'middle' };
  return el('g', {}, bar, el('text', { class: 'inside', ...middle }, epochs));
}

/**
 * What the node still has, and the edge below which it prunes.
 * @param {{ oldest?: number | undefined, newest?: number | undefined }} node
 * @param {(version: number) => number} x
 * @param {number} y
 */
function nodeRow({ oldest, newest }, x, y) {
  const label = el('text', { x: 0, y: y + LABEL - 4 }, 'node');
  if (newest === undefined) return el('g', {}, label);
  const from = x(oldest ?? 0);
  const width = Math.max(LEAST_WIDTH, x(newest + 1) - from);
  return el(
    'g',
    {},
    label,
    el('rect', { class: 'node', x: from, y: y + LABEL, width, height: BAR }),
    oldest !== undefined &&
      oldest > 0 &&
      el('line', { class: 'edge', x1: from, x2: from, y1: 0, y2: y + LABEL + BAR }),
  );
}

/** @param {CoveragePart} part */
function epochsOf({ epochs }) {
  if (epochs === undefined) return '';
  return `${epochs.includes(' ') ? 'epochs' : 'epoch'} ${epochs}`;
}

/**
 * A part in words.
 * @param {Shown} shown
 */
export function describePart({ kind, part }) {
  const { first, last, epochs, state, backups, backup, verified_at: verified, fault } = part;
  const versions =
    first === last ? `version ${grouped(first)}` : `versions ${grouped(first)} to ${grouped(last)}`;
  const which = epochs === undefined ? versions : `${epochsOf(part)}, ${versions}`;
  const read = verified === undefined ? 'not verified yet' : `verified ${verified}`;
  const what = backups > 1 ? `${backups} backups, the first ${backup}` : backup;
  return [
    `${NAMES[kind]}: ${which}`,
    state === 'unread' ? 'not looked at yet' : state,
    fault,
    what,
    backups > 0 && read,
  ]
    .filter((text) => text !== undefined && text !== false)
    .join('; ');
}
