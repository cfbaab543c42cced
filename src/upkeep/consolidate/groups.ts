import { type TransactionEntry, spanOfEntry } from '../../repository/catalog.js';
import { tile } from '../../repository/superseded.js';
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
 * not full yet is in neither list.
 */
export function groupsOf(
  entries: readonly TransactionEntry[],
  size: bigint,
): { groups: Group[]; left: LeftAlone[] } {
  const groups: Group[] = [];
  const left: LeftAlone[] = [];
  const newest = entries.reduce((max, { lastVersion: v }) => (v > max ? v : max), -1n);
  for (let i = 0; i < entries.length;) {
    const batch = batchOf(entries[i]!.firstVersion, size);
    const here: TransactionEntry[] = [];
    for (; i < entries.length && entries[i]!.firstVersion <= batch.last; i += 1) {
      here.push(entries[i]!);
    }
    const found = groupOf(batch, here);
    if (found === undefined) continue;
    if (!('why' in found)) groups.push(found);
    else if (newest >= batch.last) left.push(found);
  }
  return { groups, left };
}

/** What the backups that begin in a batch are. Undefined: nothing is to be done with a single backup. */
export function groupOf(
  batch: Span,
  here: readonly TransactionEntry[],
): Group | LeftAlone | undefined {
  const wholes = here.filter((e) => e.firstVersion === batch.first && e.lastVersion === batch.last);
  const parts = here.filter((e) => !wholes.includes(e));
  const [whole] = wholes;
  if (here.length <= 1) return undefined;
  if (wholes.length <= 1 && tile(batch, parts.map(spanOfEntry))) {
    return { ...batch, parts, ...(whole ? { whole } : {}) };
  }
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
