// What happened, as a line of marks and as a list.
import { byId, el, show } from './dom.js';
import { clock, counted } from './words.js';
import { workflowLink } from './work.js';

/** @typedef {import('./words.js').PageStatus} PageStatus */

const WIDTH = 600;
const HEIGHT = 40;
const DAYS_MS = 3 * 86_400_000;
/** The others are behind a click. */
const MOST_LISTED = 60;

/** @param {PageStatus} status */
export function showEvents(status) {
  const { events } = status;
  const now = Date.parse(status.at);
  const oldest = Math.min(now - 60_000, ...events.map(({ at }) => Date.parse(at)));
  const from = Math.max(oldest, now - DAYS_MS);
  const bad = events.filter(({ level }) => level !== 'ok').length;
  const marks = events.map(({ at, level, what }) => {
    const x = ((WIDTH - 4) * (Date.parse(at) - from)) / (now - from || 1);
    const height = level === 'ok' ? 16 : 32;
    return el(
      'rect',
      { class: level, x: Math.max(0, x).toFixed(1), y: HEIGHT - height, width: 3, height },
      el('title', {}, `${clock(at)} ${what}`),
    );
  });
  const says = `${counted(events.length, 'event')} since ${clock(new Date(from).toISOString())}, ${bad} of them bad`;
  show(
    byId('timeline'),
    el(
      'svg',
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': says,
      },
      marks,
    ),
    el('p', { class: 'dim' }, says),
  );
  const lines = events.map(({ at, level, what, workflow_id: id }) =>
    el(
      'li',
      {},
      el('time', { datetime: at, class: 'dim' }, clock(at)),
      ' ',
      el('strong', { class: level }, level === 'ok' ? '' : `${level}: `),
      id === undefined ? what : workflowLink(status, id, what),
    ),
  );
  const older = lines.slice(MOST_LISTED);
  const rest = el('details', {}, el('summary', {}, `${older.length} older`), el('ol', {}, older));
  show(byId('events'), ...lines.slice(0, MOST_LISTED), older.length > 0 && el('li', {}, rest));
}
