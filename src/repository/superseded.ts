import type { Span } from '../lib/spans.js';
import { type BackupEntry, spanOfEntry } from './catalog.js';

/**
 * Backups that lie within a larger one and together have exactly its range. A consolidation leaves them so when it
 * dies at its end, and others do when they bring back retired lines. They do no harm to us: the larger one holds all
 * of theirs. `entries`: one kind, in the order of the catalog.
 */
export function supersededBy<E extends BackupEntry>(entries: readonly E[]): Map<E, E> {
  const found = new Map<E, E>();
  for (let i = 0; i < entries.length; i += 1) {
    const whole = spanOfEntry(entries[i]!);
    const inside: E[] = [];
    // In the order of the catalog, shorter ones that begin with the same record stand before it.
    for (let at = i - 1; at >= 0 && firstOf(entries[at]!) === whole.first; at -= 1) {
      inside.unshift(entries[at]!);
    }
    for (let at = i + 1; at < entries.length && firstOf(entries[at]!) <= whole.last; at += 1) {
      inside.push(entries[at]!);
    }
    if (inside.length < 2 || !tile(whole, inside.map(spanOfEntry))) continue;
    for (const entry of inside) found.set(entry, entries[i]!);
  }
  return found;
}

/** Whether spans, in order, follow each other and have exactly the range of `whole`. */
export function tile(whole: Span, parts: readonly Span[]): boolean {
  let next = whole.first;
  for (const { first, last } of parts) {
    if (first !== next) return false;
    next = last + 1n;
  }
  return next === whole.last + 1n;
}

function firstOf(entry: BackupEntry): bigint {
  return spanOfEntry(entry).first;
}
