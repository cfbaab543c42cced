import type { Span } from '../lib/spans.js';
import { compareU64 } from '../lib/u64.js';
import { type BackupEntry, spanOfEntry } from './catalog.js';

/**
 * Backups that hold smaller ones, each with these. Who brings back retired lines leaves them so, and so does a
 * consolidation that dies while it retires the small backups beside a full one. No data is lost by it, but the stock
 * tool restores nothing behind such an overlap. `entries`: one kind. Of backups of the same range neither is larger.
 */
export function largerWithHeld<E extends BackupEntry>(entries: readonly E[]): Map<E, E[]> {
  const found = new Map<E, E[]>();
  let outer: { entry: E; span: Span } | undefined;
  const sorted = entries
    .map((entry) => ({ entry, span: spanOfEntry(entry) }))
    .sort((a, b) => compareU64(a.span.first, b.span.first) || compareU64(b.span.last, a.span.last));
  for (const one of sorted) {
    if (!outer || one.span.last > outer.span.last) outer = one;
    else if (one.span.first > outer.span.first || one.span.last < outer.span.last) {
      const held = found.get(outer.entry);
      if (held) held.push(one.entry);
      else found.set(outer.entry, [one.entry]);
    }
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
