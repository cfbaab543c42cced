// Sends what the operator asks for, and says what came of it.
import { byId } from './dom.js';
import { STREAMS } from './words.js';

/** @typedef {import('./words.js').PageStatus} PageStatus */

const TOKEN = 'aptos-backup-token';
let concurrency = '';

/** @param {PageStatus} status */
export function showControls({ controls, status }) {
  byId('controls').hidden = !status;
  byId('controls-form').hidden = controls.refused !== undefined;
  byId('controls-refused').hidden = controls.refused === undefined;
  byId('controls-refused').textContent = controls.refused ?? '';
  byId('token-line').hidden = !controls.token;
  const ranges = input('ranges');
  const now = String(status?.concurrency ?? '');
  if (now !== concurrency && document.activeElement !== ranges) ranges.value = concurrency = now;
}

export function listenToControls() {
  const token = input('token');
  token.value = sessionStorage.getItem(TOKEN) ?? '';
  token.addEventListener('change', () => sessionStorage.setItem(TOKEN, token.value));
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('button') : undefined;
    const action = button?.dataset['action'];
    const unit = button?.dataset['retry'];
    if (unit !== undefined) void send({ action: 'retry', unit });
    else if (action !== undefined) void act(action);
  });
}

/** @param {string} action */
async function act(action) {
  const stream = /** @type {HTMLSelectElement} */ (byId('stream')).value;
  if (action === 'concurrency') return send({ action, ranges: Number(input('ranges').value) });
  if (action === 'retry') return send({ action });
  if (action !== 'now' || stream !== '') return send({ action, ...(stream ? { stream } : {}) });
  return send(...STREAMS.map((one) => ({ action, stream: one })));
}

/**
 * One after the other. All answers are told: one that was refused must not hide behind the next.
 * @param {...Record<string, string | number>} asked
 */
async function send(...asked) {
  const answer = byId('answer');
  answer.className = '';
  answer.textContent = 'Asked.';
  let ok = true;
  /** @type {string[]} */
  const texts = [];
  for (const one of asked) {
    const told = await post(one);
    ok &&= told.ok;
    texts.push(told.text);
  }
  answer.className = ok ? 'ok' : 'critical';
  answer.textContent = texts.join(' ');
}

/**
 * @param {Record<string, string | number>} asked
 * @returns {Promise<{ ok: boolean, text: string }>}
 */
async function post(asked) {
  const token = input('token').value;
  try {
    const response = await fetch('/control', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-aptos-backup-page': '1',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: JSON.stringify(asked),
    });
    return { ok: response.ok, text: (await response.text()).trim() };
  } catch {
    return { ok: false, text: 'There was no answer, so it may be done or not: see the status.' };
  }
}

/** @param {string} id */
function input(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}
