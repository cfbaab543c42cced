// Asks for the status again and again, and shows it.
import { listenToControls, showControls } from './controls.js';
import { listenToMap, showCoverage } from './coverage.js';
import { byId } from './dom.js';
import { showGlance } from './glance.js';
import { showStreams } from './streams.js';
import { showEvents } from './timeline.js';
import { clock } from './words.js';
import { showWork } from './work.js';

const EVERY_MS = 2_000;
/** The title of a tab behind another one is seen, too, and must not stay "ok" for days. */
const HIDDEN_MS = 30_000;
const PATIENCE_MS = 15_000;

/** @type {string | undefined} */
let last;
/** Ends the rest before the next question. @type {() => void} */
let wake = () => undefined;

async function update() {
  /** @type {import('./words.js').PageStatus} */
  let status;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch('/status.json', { signal });
    if (!answer.ok) throw new Error(await answer.text());
    status = /** @type {import('./words.js').PageStatus} */ (await answer.json());
  } catch (error) {
    const why = error instanceof TypeError ? '' : ` (${String(error)})`;
    isGone(`aptos-backup does not answer${why}.`, 'It is asked again every 2 seconds.');
    return;
  }
  try {
    showAll(status);
  } catch (error) {
    // A tab that is open for long has the script of the release before.
    const what = `This page cannot show what aptos-backup answers (${String(error)}).`;
    isGone(what, 'After an upgrade, load the page anew.');
  }
}

/** @param {import('./words.js').PageStatus} status */
function showAll(status) {
  showGlance(status);
  showStreams(status);
  showControls(status);
  showWork(status);
  showEvents(status);
  // A look at the storage costs requests.
  if (!document.hidden) showCoverage(status);
  last = status.at;
  isThere();
}

function isThere() {
  byId('gone').hidden = true;
  document.body.className = '';
  byId('as-of').textContent = `As of ${clock(last ?? '')}`;
}

/**
 * What was shown stays, and is marked as old.
 * @param {string} what
 * @param {string} next
 */
function isGone(what, next) {
  const gone = byId('gone');
  const old = last === undefined ? '' : ` What you see is as of ${clock(last)}.`;
  const text = `${what}${old} ${next}`;
  if (gone.textContent !== text) gone.textContent = text;
  gone.hidden = false;
  document.body.className = 'stale';
  document.title = 'no answer: aptos-backup';
}

async function follow() {
  for (;;) {
    await update();
    await new Promise((resolve) => {
      wake = () => resolve(undefined);
      setTimeout(wake, document.hidden ? HIDDEN_MS : EVERY_MS);
    });
  }
}

document.addEventListener('visibilitychange', () => wake());
listenToMap();
listenToControls();
void follow();
