import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  spanOfEntry,
} from '../../repository/catalog.js';
import { type Span, meet, without } from '../../lib/spans.js';
import type { GivenUp } from '../../repository/pruned.js';
import { folderOf } from '../../repository/proven-record.js';
import { lineOf, namesOf } from './copy-unit.js';

/** What the metadata of a target says about backups of the source. */
export class TargetHas {
  private readonly lines = new Set<string>();
  private readonly ranges = new Map<string, BackupEntry[]>();
  private readonly folders = new Map<string, BackupEntry>();
  private readonly sorted = new Map<BackupType, readonly BackupEntry[]>();
  private readonly lost = new Set<BackupEntry>();

  /** `givenUp`: what keep rules of the target gave up. Nobody wants it there again. */
  constructor(
    target: Catalog | undefined,
    private readonly givenUp: GivenUp = { epochs: [], versions: [], snapshots: new Set() },
  ) {
    for (const type of target ? BACKUP_TYPES : []) {
      const entries = entriesOf(target!, type);
      this.sorted.set(type, entries);
      for (const entry of entries) {
        this.lines.add(lineOf(entry));
        const range = rangeOf(type, entry);
        this.ranges.set(range, [...(this.ranges.get(range) ?? []), entry]);
        this.folders.set(folderOf(entry), entry);
      }
    }
  }

  hasLine(entry: BackupEntry): boolean {
    return this.lines.has(lineOf(entry));
  }

  /**
   * `there`: the target has this backup, or others that hold all of its range: one of the two may have been
   * consolidated; or its keep rules gave it up. A reason, if it has one that is in the way. The commit looks again.
   */
  find(type: BackupType, entry: BackupEntry): 'there' | Skipped | undefined {
    if (this.hasLine(entry) || this.ranges.get(rangeOf(type, entry))?.length) return 'there';
    if (this.isGivenUp(entry)) return 'there';
    const meeting = this.meeting(type, entry);
    if (
      meeting.length > 0 &&
      without([spanOfEntry(entry)], meeting.map(spanOfEntry)).length === 0
    ) {
      return 'there';
    }
    const twin = this.folders.get(folderOf(entry));
    // The source has consolidated what the target has a part of: the commit exchanges the lines.
    if (type === 'transaction' && !twin && areWithin(meeting, spanOfEntry(entry))) return undefined;
    const other = twin ?? meeting[0];
    if (!other) return undefined;
    const { manifest } = entry;
    const why = `the target has ${other.manifest} (${other.source}), which holds a part of it, and the stock tool restores nothing from a storage with overlapping backups`;
    return { manifest, object: other.source, code: 'OVERLAP', why };
  }

  /** The backups of the target that hold a part of this one, as its metadata says. */
  holdersOf(type: BackupType, entry: BackupEntry): BackupEntry[] {
    const same = this.ranges.get(rangeOf(type, entry)) ?? [];
    return [...new Set([...same, ...this.meeting(type, entry)])];
  }

  /** Forgets a backup of the target whose data is gone, although a line names it. */
  forget(type: BackupType, lost: BackupEntry): void {
    this.lost.add(lost);
    this.lines.delete(lineOf(lost));
    const range = rangeOf(type, lost);
    this.ranges.set(
      range,
      (this.ranges.get(range) ?? []).filter((one) => one !== lost),
    );
    if (this.folders.get(folderOf(lost)) === lost) this.folders.delete(folderOf(lost));
  }

  private isGivenUp(entry: BackupEntry): boolean {
    const { epochs, versions, snapshots } = this.givenUp;
    if (entry.type === 'StateSnapshotBackup') return snapshots.has(`${entry.version}`);
    const below = entry.type === 'EpochEndingBackup' ? epochs : versions;
    return without([spanOfEntry(entry)], below).length === 0;
  }

  /** The backups of the target that hold a part of a range, the last one first. */
  private meeting(type: BackupType, entry: BackupEntry): BackupEntry[] {
    if (type === 'state_snapshot') return [];
    const entries = this.sorted.get(type) ?? [];
    const span = spanOfEntry(entry);
    // In a sound storage nothing before the first one that ends below the range can reach further.
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spanOfEntry(entries[middle]!).first <= span.last) low = middle + 1;
      else high = middle;
    }
    const found: BackupEntry[] = [];
    for (let at = low - 1; at >= 0 && meet(spanOfEntry(entries[at]!), span); at -= 1) {
      if (!this.lost.has(entries[at]!)) found.push(entries[at]!);
    }
    return found;
  }
}

/** Whether backups hold nothing beyond a range. */
export function areWithin(entries: readonly BackupEntry[], span: Span): boolean {
  return without(entries.map(spanOfEntry), [span]).length === 0;
}

function rangeOf(type: BackupType, entry: BackupEntry): string {
  const { first, last } = namesOf(entry);
  return `${type} ${first} ${last}`;
}
