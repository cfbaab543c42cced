import type { LiveStatus } from '../client/coordinator.js';
import type { Health } from '../client/health.js';
import { STREAMS } from '../plan/coordinator.js';
import { since } from './format.js';
import { TITLES, streamDetails } from './stream-details.js';

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

/** Health for people: one HTML page that needs nothing else and loads itself again. */
export function healthPage(status: LiveStatus | undefined, health: Health, now: number): string {
  const reasons = health.reasons.map(
    ({ level, what }) => `<li class="${level}">${level}: ${escapeHtml(what)}</li>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="15">',
    `<title>aptos-backup: ${health.level}</title><style>${STYLE}</style></head><body>`,
    `<h1 class="${health.level}">${health.level}</h1>`,
    `<ul>${reasons.join('')}</ul>`,
    ...(status ? [aboutNode(status, now), table(status, now), aboutVerification(status, now)] : []),
    '<p><a href="/healthz">JSON</a> <a href="/metrics">metrics</a></p></body></html>',
  ].join('\n');
}

function aboutNode({ phase, node, storage, seen }: LiveStatus, now: number): string {
  const at = seen
    ? `at version ${seen.version}, ${seen.ended_epochs} epochs ended, seen ${since(seen.at, now)} ago`
    : 'not seen yet';
  return `<p>${escapeHtml(`${phase}: node ${node}, ${at}; storage ${storage}`)}</p>`;
}

function table(status: LiveStatus, now: number): string {
  const rows = STREAMS.map((type) => {
    const cells = { title: TITLES[type], ...streamDetails(status, type, now) };
    return `<tr>${COLUMNS.map(([, key]) => `<td>${escapeHtml(cells[key] ?? '')}</td>`).join('')}</tr>`;
  });
  const head = COLUMNS.map(([title]) => `<th>${title}</th>`).join('');
  return `<table><tr>${head}</tr>\n${rows.join('\n')}</table>`;
}

function aboutVerification({ verification: last }: LiveStatus, now: number): string {
  const at = (time: string | undefined) => (time ? `${since(time, now)} ago` : 'never');
  if (!last) return '';
  const runs = last.running ? ', one runs' : '';
  return `<p>verified: ${at(last.succeededAt)}; verification failed: ${at(last.failedAt)}${runs}</p>`;
}

/** Texts quote what nodes and files said. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
