import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  spanOfEntry,
} from '../../repository/catalog.js';
import { meet } from '../../lib/spans.js';
import { folderOf } from '../../repository/proven-record.js';
import { lineOf, namesOf } from './copy-unit.js';

/** What the metadata of a target says about backups of the source. */
export class TargetHas {
  private readonly lines = new Set<string>();
  private readonly ranges = new Set<string>();
  private readonly folders = new Map<string, BackupEntry>();
  private readonly sorted = new Map<BackupType, readonly BackupEntry[]>();

  constructor(target: Catalog | undefined) {
    for (const type of target ? BACKUP_TYPES : []) {
      const entries = entriesOf(target!, type);
      this.sorted.set(type, entries);
      for (const entry of entries) {
        this.lines.add(lineOf(entry));
        this.ranges.add(rangeOf(type, entry));
        this.folders.set(folderOf(entry), entry);
      }
    }
  }

  hasLine(entry: BackupEntry): boolean {
    return this.lines.has(lineOf(entry));
  }

  /**
   * `there`: the target has this backup, or another one of the same range. A reason, if it has one that is in the way.
   * The commit looks again.
   */
  find(type: BackupType, entry: BackupEntry): 'there' | Skipped | undefined {
    if (this.hasLine(entry) || this.ranges.has(rangeOf(type, entry))) return 'there';
    const other = this.folders.get(folderOf(entry)) ?? this.overlapping(type, entry);
    if (!other) return undefined;
    const { manifest } = entry;
    const why = `the target has ${other.manifest} (${other.source}), which holds a part of it, and the stock tool restores nothing from a storage with overlapping backups`;
    return { manifest, object: other.source, code: 'OVERLAP', why };
  }

  private overlapping(type: BackupType, entry: BackupEntry): BackupEntry | undefined {
    if (type === 'state_snapshot') return undefined;
    const entries = this.sorted.get(type) ?? [];
    const span = spanOfEntry(entry);
    // The last one that begins at or before the end: in a sound storage nothing before it can reach further.
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spanOfEntry(entries[middle]!).first <= span.last) low = middle + 1;
      else high = middle;
    }
    const before = entries[low - 1];
    return before && meet(spanOfEntry(before), span) ? before : undefined;
  }
}

function rangeOf(type: BackupType, entry: BackupEntry): string {
  const { first, last } = namesOf(entry);
  return `${type} ${first} ${last}`;
}
