import { type TransactionEntry, spanOfEntry } from '../../repository/catalog.js';
import { largerWithHeld, tile } from '../../repository/superseded.js';
import { type Span, meet, unionOf, without } from '../../lib/spans.js';

/** The small backups of transactions that become one full batch. */
export interface Group extends Span {
  parts: TransactionEntry[];
  /** The full batch, when it is committed already: then the small ones are only to be retired. */
  whole?: TransactionEntry;
}

/** A batch whose backups cannot become one. */
export interface LeftAlone extends Span {
  why: string;
}

/**
 * The full batch of the stock tool that holds a version: the genesis transaction alone, then multiples of the batch
 * size (docs/formats.md, Ranges of the coordinator).
 */
export function batchOf(version: bigint, size: bigint): Span {
  if (version === 0n) return { first: 0n, last: 0n };
  const index = (version - 1n) / size;
  return { first: index * size + 1n, last: (index + 1n) * size };
}

/**
 * What a consolidation can do with backups of transactions, in the order of the catalog. A batch at the end that is
 * not full yet is in neither list. Small backups beside a larger one that holds them are retired whatever the batch
 * size; what is made of such a batch besides, the next consolidation does.
 */
export function groupsOf(
  entries: readonly TransactionEntry[],
  size: bigint,
): { groups: Group[]; left: LeftAlone[] } {
  const groups: Group[] = [];
  const left: LeftAlone[] = [];
  const place = (found: Group | LeftAlone) => {
    if ('why' in found) left.push(found);
    else groups.push(found);
  };
  const wholes = largerWithHeld(entries);
  for (const [whole, parts] of wholes) {
    const found = groupOf(spanOfEntry(whole), [...sameSpan(entries, whole), ...parts]);
    if (found) place(found);
  }
  const held = new Set([...wholes.values()].flat());
  const rest = entries.filter((entry) => !held.has(entry));
  const newest = rest.reduce((max, { lastVersion: v }) => (v > max ? v : max), -1n);
  for (let i = 0; i < rest.length;) {
    const batch = batchOf(rest[i]!.firstVersion, size);
    const here: TransactionEntry[] = [];
    for (; i < rest.length && rest[i]!.firstVersion <= batch.last; i += 1) here.push(rest[i]!);
    if (here.some((entry) => wholes.has(entry))) continue;
    const found = groupOf(batch, here);
    if (found && (!('why' in found) || newest >= batch.last)) place(found);
  }
  return { groups: groups.sort(byFirst), left: left.sort(byFirst) };
}

function sameSpan(
  entries: readonly TransactionEntry[],
  { firstVersion, lastVersion }: TransactionEntry,
): TransactionEntry[] {
  return entries.filter((e) => e.firstVersion === firstVersion && e.lastVersion === lastVersion);
}

function byFirst(a: Span, b: Span): number {
  return a.first === b.first ? 0 : a.first < b.first ? -1 : 1;
}

/** What the backups that begin in a batch are. Undefined: nothing is to be done with a single backup. */
export function groupOf(
  batch: Span,
  here: readonly TransactionEntry[],
): Group | LeftAlone | undefined {
  const wholes = here.filter((e) => e.firstVersion === batch.first && e.lastVersion === batch.last);
  const parts = here.filter((e) => !wholes.includes(e));
  const [whole, another] = wholes;
  if (here.length <= 1) return undefined;
  if (whole && !another && without(parts.map(spanOfEntry), [batch]).length === 0) {
    return { ...batch, parts, whole };
  }
  if (!whole && tile(batch, parts.map(spanOfEntry))) return { ...batch, parts };
  return { ...batch, why: whyNot(batch, here) };
}

function whyNot(batch: Span, here: readonly TransactionEntry[]): string {
  const over = here.find((e) => e.lastVersion > batch.last);
  if (over) {
    return `${over.manifest} has versions ${over.firstVersion} to ${over.lastVersion}, and so reaches over the end of the batch`;
  }
  const spans = here.map(spanOfEntry);
  const twice = spans.findIndex((span, i) => i > 0 && meet(span, spans[i - 1]!));
  if (twice > 0) {
    return `${here[twice - 1]!.manifest} and ${here[twice]!.manifest} hold the same versions`;
  }
  const [hole] = without([batch], unionOf(spans));
  return `no backup that lies within the batch has versions ${hole!.first} to ${hole!.last}`;
}
