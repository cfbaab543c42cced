import { rulesOf } from '../contract/kinds/index.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { describeRead, since, tipAge } from './format.js';
import { describeCopy } from './describe-copy.js';
import { describeRestorable } from './describe-restorable.js';
import { streamDetails } from './stream-details.js';
import type { LiveStatus, Health } from '../contract/answers/shown-answers.js';

const STYLE =
  'body{font:15px sans-serif;margin:2em}table{border-collapse:collapse}' +
  'th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}' +
  '.ok{color:#060}.warning{color:#850}.critical{color:#a00}';
const COLUMNS = [
  ['stream', 'title'],
  ['newest stored', 'newest'],
  ['behind', 'lag'],
  ['last commit', 'age'],
  ['doing', 'doing'],
  ['progress', 'progress'],
  ['failed', 'failed'],
  ['last error', 'error'],
  ['quarantined', 'quarantined'],
  ['to the prune edge', 'edge'],
] as const;

/** The health page: one HTML page without other files, which reloads itself every 15 seconds. */
export function healthPage(status: LiveStatus | undefined, health: Health, now: number): string {
  const reasons = health.reasons.map(
    ({ level, what }) => `<li class="${level}">${level}: ${escapeHtml(what)}</li>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="15">',
    `<title>aptos-backup: ${health.level}</title><style>${STYLE}</style></head><body>`,
    `<h1 class="${health.level}">${health.level}</h1>`,
    `<ul>${reasons.join('')}</ul>`,
    ...(status
      ? [
          aboutNode(status, now),
          table(status, now),
          aboutRestore(status),
          aboutCopy(status, now),
          aboutVerification(status, now),
        ]
      : []),
    '<p><a href="/healthz">JSON</a> <a href="/metrics">metrics</a></p></body></html>',
  ].join('\n');
}

function aboutNode({ phase, node, storage, seen }: LiveStatus, now: number): string {
  const at = seen
    ? `at version ${seen.version}, ${seen.ended_epochs} epochs ended${tipAge(seen, now)}, seen ${since(seen.at, now)} ago`
    : 'not seen yet';
  return `<p>${escapeHtml(`${phase}: node ${node}, ${at}; storage ${storage}`)}</p>`;
}

function table(status: LiveStatus, now: number): string {
  const rows = STREAMS.map((type) => {
    const cells = { title: rulesOf(type).words.many, ...streamDetails(status, type, now) };
    return `<tr>${COLUMNS.map(([, key]) => `<td>${escapeHtml(cells[key] ?? '')}</td>`).join('')}</tr>`;
  });
  const head = COLUMNS.map(([title]) => `<th>${title}</th>`).join('');
  return `<table><tr>${head}</tr>\n${rows.join('\n')}</table>`;
}

function aboutVerification({ verification: last }: LiveStatus, now: number): string {
  const at = (time: string | undefined) => (time ? `${since(time, now)} ago` : 'never');
  if (!last) return '';
  const runs = last.running ? ', one runs' : '';
  const read = describeRead(last, now).map((text) => `; ${text}`);
  return `<p>verified: ${at(last.succeeded_at)}, the whole storage: ${at(last.whole_at)}; verification failed: ${at(last.failed_at)}${runs}${read.join('')}</p>`;
}

function aboutRestore({ restorable }: LiveStatus): string {
  return restorable ? `<p>${escapeHtml(`restorable: ${describeRestorable(restorable)}`)}</p>` : '';
}

function aboutCopy({ copy }: LiveStatus, now: number): string {
  return copy ? `<p>${escapeHtml(`copy: ${describeCopy(copy, now)}`)}</p>` : '';
}

/** Escapes HTML: texts may quote nodes and files, which are not trusted. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
