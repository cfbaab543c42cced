import { type BackupEntry, type Catalog, spanOfEntry } from '../repository/catalog.js';
import { largerWithHeld } from '../repository/superseded.js';
import type { Span } from '../lib/spans.js';
import type { Finding } from '../contract/answers/verify-answers.js';

/**
 * Findings about the metadata lines: lines that cannot be read, and ranges that two backups claim, which the stock tool
 * does not restore. Equal lines in several files are one to it, and no finding: a compaction leaves them so.
 */
export function metadataFindings(catalog: Catalog): Finding[] {
  const unread = [...catalog.damaged, ...(catalog.strays ?? [])];
  const findings: Finding[] = unread.map(({ object, why }) => ({ object, code: 'METADATA', why }));
  const claims = <E extends BackupEntry>(entries: E[], spanOf: (entry: E) => Span) => {
    let before: { entry: E; last: bigint } | undefined;
    for (const entry of entries) {
      const { first, last } = spanOf(entry);
      if (before && first <= before.last) {
        const why = `it names ${entry.manifest} from ${first} on, which ${before.entry.source} names as ${before.entry.manifest} up to ${before.last}`;
        findings.push({ object: entry.source, code: 'OVERLAP', why });
      }
      if (!before || last > before.last) before = { entry, last };
    }
  };
  const rows = <E extends BackupEntry>(entries: E[], todo: string) => {
    const wholes = largerWithHeld(entries);
    const held = new Set([...wholes.values()].flat());
    claims(
      entries.filter((entry) => !held.has(entry)),
      spanOfEntry,
    );
    for (const [whole, [first, ...more]] of wholes) {
      const others = more.length > 0 ? `, and ${more.length} more backups of the same range` : '';
      const span = spanOfEntry(whole);
      const why = `it names ${first!.manifest}${others}, and ${whole.source} names ${whole.manifest} with all of ${span.first} to ${span.last}; the stock tool restores nothing behind such an overlap. ${todo}`;
      findings.push({ object: first!.source, code: 'OVERLAP', why });
    }
  };
  rows(catalog.epochEndings, 'Move the lines of one of the two out of metadata/');
  rows(catalog.transactions, 'The next consolidation retires the smaller ones');
  claims(catalog.snapshots, (s) => ({ first: s.version, last: s.version }));
  return findings;
}
