import { type BackupEntry, type Catalog, spanOfEntry } from '../repository/catalog.js';
import { supersededBy } from '../repository/superseded.js';
import type { Span } from '../lib/spans.js';
import type { Finding } from '../contract/answers/verify-answers.js';

/** Backups that a larger one holds whole do no harm: the next consolidation retires their lines. */
function withoutSuperseded<E extends BackupEntry>(entries: readonly E[]): E[] {
  const superseded = supersededBy(entries);
  return entries.filter((entry) => !superseded.has(entry));
}

/** Findings about the metadata lines: lines that cannot be read, and ranges that two backups claim. */
export function metadataFindings(catalog: Catalog): Finding[] {
  const findings: Finding[] = catalog.damaged.map(({ object, why }) => ({
    object,
    code: 'METADATA',
    why,
  }));
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
  claims(withoutSuperseded(catalog.epochEndings), spanOfEntry);
  claims(withoutSuperseded(catalog.transactions), spanOfEntry);
  claims(catalog.snapshots, (s) => ({ first: s.version, last: s.version }));
  return findings;
}
