// The map of what is stored: reads it, zooms it, and says what a part is.
import { drawMap, describePart, keyOf, partsOf } from './coverage-map.js';
import { fitted, moved, zoomed } from './coverage-view.js';
import { byId, el, show } from './dom.js';
import { restorableTo } from './glance.js';
import { NAMES, ago, clock, counted, grouped } from './words.js';

/** @typedef {import('./coverage-map.js').PageCoverage} PageCoverage */
/** @typedef {import('./coverage-map.js').Shown} Shown */
/** @typedef {import('./coverage-view.js').View} View */
/** @typedef {import('./words.js').PageStatus} PageStatus */

const READ_MS = 10_000;
/** A large storage is listed for long; what is begun goes on, and the next question waits for it. */
const PATIENCE_MS = 60_000;
const MOST_ROWS = 200;
/** @type {[string, string][]} */
const LEGEND = [
  ['signed', 'proven by signatures'],
  ['chained', 'proven by a trusted waypoint'],
  ['unproven', 'not proven yet'],
  ['unknown', 'nobody proved it yet'],
  ['unread', 'not looked at yet'],
  ['damaged', 'damaged'],
  ['missing', 'missing'],
  ['pruned', 'given up by a keep rule'],
  ['node', 'the node has it; the dashed line is where it prunes'],
];

/** @type {PageCoverage | undefined} */
let coverage;
/** Undefined: everything. @type {View | undefined} */
let asked;
/** @type {string | undefined} */
let chosen;
/** @type {PageStatus | undefined} */
let status;
/** Why the storage was not read at the last try. @type {string | undefined} */
let trouble;
let readAt = -Infinity;
let reading = false;

/** Shows what is known, and reads it anew now and then. @param {PageStatus} now */
export function showCoverage(now) {
  status = now;
  if (!now.status) return;
  if (performance.now() - readAt >= READ_MS) void read();
  else draw();
}

async function read() {
  if (reading) return;
  reading = true;
  readAt = performance.now();
  const window = asked ? queryOf(asked) : '';
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(`/coverage.json${window}`, { signal });
    byId('coverage').hidden = answer.status === 404;
    if (answer.ok) coverage = /** @type {PageCoverage} */ (await answer.json());
    trouble = answer.ok ? undefined : `The storage cannot be read: ${(await answer.text()).trim()}`;
  } catch (error) {
    // When nobody answers at all, the page says so already.
    if (error instanceof DOMException) {
      byId('coverage').hidden = false;
      trouble = `The storage is not read yet, after ${PATIENCE_MS / 1000} seconds`;
    }
  } finally {
    reading = false;
  }
  draw();
}

/** Up to the newest version by no number: beyond 2^53 that may be more than there are versions. @param {View} asked */
function queryOf({ first, last }) {
  return `?first=${first}${last < newest() ? `&last=${last}` : ''}`;
}

function newest() {
  return Math.max(Number(coverage?.newest ?? 0), Number(status?.status?.seen?.version ?? 0));
}

function view() {
  return asked ?? fitted({ first: 0, last: newest() }, newest());
}

/** @param {View | undefined} wanted */
function look(wanted) {
  const fits = wanted && fitted(wanted, newest());
  asked = fits && fits.last - fits.first < newest() ? fits : undefined;
  draw();
  readAt = -Infinity;
  void read();
}

function draw() {
  const words = byId('coverage-says');
  words.className = trouble === undefined ? '' : 'critical';
  if (!coverage || !status) return show(words, trouble);
  const seen = status.status?.seen;
  const oldest = seen?.oldest_version === undefined ? undefined : Number(seen.oldest_version);
  const node = { oldest, newest: seen && Number(seen.version) };
  drawMap(byId('map'), coverage, node, { view: view(), chosen });
  const old = trouble && `${trouble}. What you see is as of ${clock(coverage.at)}. `;
  show(words, old, says(coverage, status));
  const shown = partsOf(coverage).find((one) => keyOf(one) === chosen);
  byId('part').textContent = shown ? describePart(shown) : '';
  show(byId('parts'), table(coverage));
}

/** @param {PageCoverage} stored @param {PageStatus} now */
function says({ backups, unread, unreadable, verified_at: verified, restorable }, now) {
  const edge = now.status?.streams.transaction.prune_edge;
  return [
    restorable.yes
      ? restorableTo(restorable)
      : `Nothing can be restored: ${restorable.why.join('; ')}`,
    counted(backups, 'backup'),
    verified === undefined
      ? 'never verified as a whole'
      : `verified as a whole ${ago(verified, now)}`,
    ...(unread > 0 ? [`${grouped(unread)} not looked at yet`] : []),
    ...(unreadable > 0 ? [`${counted(unreadable, 'metadata file')} cannot be read`] : []),
    ...(edge ? [`the node prunes what comes next in ${counted(edge.versions, 'version')}`] : []),
  ].join('. ');
}

/** Where not all parts have room: what an operator must see first. @type {string[]} */
const BAD = ['damaged', 'missing', 'unproven', 'unknown', 'unread'];

/** The parts that have room in the table, those that are in a bad state first. @param {Shown[]} parts */
function mostTelling(parts) {
  if (parts.length <= MOST_ROWS) return parts;
  const rank = (/** @type {Shown} */ { part }) => BAD.indexOf(part.state) + 1 || BAD.length + 1;
  return parts.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_ROWS);
}

/** @param {PageCoverage} stored */
function table(stored) {
  const parts = partsOf(stored);
  const many = parts.length > MOST_ROWS;
  const head = [
    'kind',
    'epochs',
    'first version',
    'last version',
    'state',
    'last verified',
    'backup',
  ];
  return el(
    'table',
    {},
    el(
      'caption',
      {},
      many && `${MOST_ROWS} of ${parts.length}, the bad ones first: zoom in for others`,
    ),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        head.map((name) => el('th', { scope: 'col' }, name)),
      ),
    ),
    el(
      'tbody',
      {},
      mostTelling(parts).map(({ kind, part }) =>
        el(
          'tr',
          {},
          [
            ...[NAMES[kind], part.epochs ?? '', grouped(part.first), grouped(part.last)],
            part.fault ? `${part.state}: ${part.fault}` : part.state,
            ...[part.verified_at ?? '', part.backup ?? ''],
          ].map((text) => el('td', {}, text)),
        ),
      ),
    ),
  );
}

/** @param {number} by */
function choose(by) {
  if (!coverage) return;
  const parts = partsOf(coverage);
  const index = parts.findIndex((one) => keyOf(one) === chosen);
  const next = parts[index < 0 ? (by > 0 ? 0 : parts.length - 1) : index + by];
  if (next) chosen = keyOf(next);
  draw();
}

/** @type {Record<string, () => void>} */
const MOVES = {
  in: () => look(zoomed(view(), 0.5)),
  out: () => look(zoomed(view(), 2)),
  left: () => look(moved(view(), -0.5)),
  right: () => look(moved(view(), 0.5)),
  all: () => look(undefined),
  next: () => choose(1),
  before: () => choose(-1),
};
/** @type {Record<string, string>} */
const KEYS = {
  ...{ '+': 'in', '=': 'in', '-': 'out', ArrowLeft: 'left', ArrowRight: 'right', Home: 'all' },
  ...{ ArrowDown: 'next', ArrowUp: 'before' },
};

export function listenToMap() {
  show(
    byId('legend'),
    ...LEGEND.map(([name, means]) =>
      el(
        'li',
        {},
        el('svg', { viewBox: '0 0 8 8' }, el('rect', { class: name, width: 8, height: 8 })),
        means,
      ),
    ),
  );
  for (const button of document.querySelectorAll('[data-map]')) {
    button.addEventListener('click', () => MOVES[button.getAttribute('data-map') ?? '']?.());
  }
  const map = byId('map');
  map.addEventListener('keydown', (event) => {
    const move = event.ctrlKey || event.metaKey ? undefined : MOVES[KEYS[event.key] ?? ''];
    if (!move) return;
    event.preventDefault();
    move();
  });
  map.addEventListener('click', ({ target }) => {
    const key = target instanceof Element ? target.closest('[data-part]') : undefined;
    chosen = key?.getAttribute('data-part') ?? undefined;
    draw();
  });
  // Elsewhere a wheel scrolls the page, so the map takes it only when it is in use.
  map.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && document.activeElement !== map) return;
      event.preventDefault();
      const { left, width } = map.getBoundingClientRect();
      look(zoomed(view(), event.deltaY < 0 ? 0.8 : 1.25, (event.clientX - left) / width));
    },
    { passive: false },
  );
  window.addEventListener('resize', draw);
}
