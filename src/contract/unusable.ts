import type { TextSpan } from './coordinator-state.js';
import * as v from 'valibot';
import { span, u64Text, wholeNumber } from './shape.js';
import { type Span, unionOf } from '../lib/spans.js';

/** Backups that were read and cannot be used: damaged, missing or not proven. */
export interface Unusable {
  epochs: TextSpan[];
  transactions: TextSpan[];
  snapshots: { epoch: string; version: string }[];
}

/** Limit for each kind. */
export const MOST_UNUSABLE = 200;

/** The same for a whole verification: the lowest of each kind, and how many more there are. */
export type UnusableTotals = v.InferOutput<typeof unusableTotals>;
export const unusableTotals = v.object({
  epochs: v.array(span),
  transactions: v.array(span),
  snapshots: v.array(v.object({ epoch: u64Text, version: u64Text })),
  unlisted: wholeNumber,
});

export function noneUnusable(): UnusableTotals {
  return { epochs: [], transactions: [], snapshots: [], unlisted: 0 };
}

export function addUnusable(totals: UnusableTotals, more: Partial<Unusable>): void {
  const { epochs = [], transactions = [], snapshots = [] } = more;
  totals.epochs = cut(totals, textsOf(unionOf(spansOf([...totals.epochs, ...epochs]))));
  totals.transactions = cut(
    totals,
    textsOf(unionOf(spansOf([...totals.transactions, ...transactions]))),
  );
  const byVersion = new Map(
    [...totals.snapshots, ...snapshots].map(({ epoch, version }) => [version, { epoch, version }]),
  );
  const sorted = [...byVersion.values()].sort((a, b) =>
    BigInt(a.version) < BigInt(b.version) ? -1 : 1,
  );
  totals.snapshots = cut(totals, sorted);
}

function cut<T>(totals: UnusableTotals, list: T[]): T[] {
  totals.unlisted += Math.max(0, list.length - MOST_UNUSABLE);
  return list.slice(0, MOST_UNUSABLE);
}

export function spansOf(texts: readonly TextSpan[]): Span[] {
  return texts.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }));
}

export function textsOf(spans: readonly Span[]): TextSpan[] {
  return spans.map(({ first, last }) => ({ first: `${first}`, last: `${last}` }));
}
