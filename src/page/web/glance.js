// At a glance: how bad it is, why, and where the node is.
import { byId, el, show } from './dom.js';
import { ago, bytes, counted, grouped } from './words.js';

/** @param {import('./words.js').PageStatus} status */
export function showGlance(status) {
  const { level, reasons, status: live } = status;
  const badge = byId('level');
  badge.textContent = level;
  badge.className = `level ${level}`;
  document.title = `${level}: aptos-backup`;
  show(
    byId('glance'),
    el(
      'ul',
      { 'aria-label': 'Reasons' },
      reasons.map((one) => el('li', { class: one.level }, `${one.level}: ${one.what}`)),
    ),
    ...(live ? aboutNode(status, live) : []),
  );
}

/**
 * @param {import('./words.js').PageStatus} status
 * @param {NonNullable<import('./words.js').PageStatus['status']>} live
 */
function aboutNode(status, live) {
  const { seen, restorable, copy, node_limits: limits } = live;
  const tip = seen?.tip_at === undefined ? '' : `, tip ${ago(seen.tip_at, status)}`;
  const at = seen
    ? `version ${grouped(seen.version)}, ${counted(seen.ended_epochs, 'epoch')} ended${tip}`
    : 'not seen yet';
  const heard = status.heard_at === undefined ? '' : `, as of ${ago(status.heard_at, status)}`;
  return [
    el('p', { id: 'node' }, `Node ${seen?.node ?? live.node}: ${at}`),
    ...(seen?.resting ?? []).map((one) =>
      el(
        'p',
        { class: 'warning' },
        `Node ${one.node} is left alone until ${one.until}: ${one.why}`,
      ),
    ),
    limits && el('p', { id: 'limits' }, aboutLimits(limits)),
    el('p', {}, `Storage ${live.storage}: ${live.phase}${heard}`),
    restorable &&
      el('p', { id: 'restorable' }, restorable.yes ? restorableTo(restorable) : notYet(restorable)),
    copy && el('p', { id: 'copy' }, aboutCopy(copy, status)),
  ];
}

/** @param {import('../../contract/node-limits.js').NamedLimits} limits */
function aboutLimits({ streams, requests_per_second: requests, bytes_per_second: read }) {
  const most = [
    streams !== undefined && counted(streams, 'stream'),
    requests !== undefined && `${counted(requests, 'request')} a second`,
    read !== undefined && `${bytes(read)} a second`,
  ];
  return `Limits of a node: at most ${most.filter(Boolean).join(', ')}`;
}

/** @typedef {import('../../contract/answers/coordinator-answers.js').Restorable} Restorable */

/**
 * From where to where, and what keeps the stock tool from more.
 * @param {Restorable} restorable
 */
export function restorableTo({ version, history_from: from, needs_target_version: named, why }) {
  const target = named ? `, with --target-version ${version}` : '';
  const less = why.length > 0 ? `: ${why.join('; ')}` : '';
  return `Restorable now: from ${grouped(from ?? '0')} to ${grouped(version ?? '')}${target}${less}`;
}

/** @param {Restorable} restorable */
function notYet({ why }) {
  return `Nothing can be restored now: ${why.join('; ')}`;
}

/** @typedef {import('../../contract/answers/copy-answers.js').KeptCopy} KeptCopy */

/**
 * @param {KeptCopy} copy
 * @param {import('./words.js').PageStatus} status
 */
function aboutCopy(copy, status) {
  const { to, behind_since: since, running, why } = copy;
  const step =
    since === undefined ? 'in step' : `${lagOf(copy)}, last in step ${ago(since, status)}`;
  return `Copy ${to}: ${step}${running ? ', a copy runs' : ''}${why === undefined ? '' : `. It fails: ${why}`}`;
}

/** A copy may have all versions and lack a snapshot. @param {KeptCopy} copy */
function lagOf({ lag_versions: versions, lag_epochs: epochs = '0', lag_snapshots: states = 0 }) {
  if (versions === undefined) return 'not known yet what it lacks';
  const parts = [
    versions !== '0' && counted(versions, 'version'),
    epochs !== '0' && counted(epochs, 'epoch'),
    states > 0 && counted(states, 'snapshot'),
  ];
  return `${parts.filter(Boolean).join(' and ')} behind`.trim();
}
