import {
  epochEndingCompactedName,
  stateSnapshotCompactedName,
  transactionCompactedName,
} from '../../aptos/index.js';
import type { BackupType } from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import { METADATA } from '../../storage/handles.js';
import type { LeftAlone } from './left-alone.js';
import type { MetadataSet } from './metadata-set.js';
import { type RawLine, compareLines, lineKey } from './raw-lines.js';

/** Lines that are together in one file, or will be. */
export interface Group {
  /** Handle of that file. */
  handle: string;
  lines: readonly RawLine[];
  /** The file is there and has exactly these lines. */
  isThere: boolean;
}

const COMPACTED = /^metadata\/(epoch_ending|transaction|state_snapshot)_compacted_/;
const NAMES = {
  epoch_ending: epochEndingCompactedName,
  transaction: transactionCompactedName,
  state_snapshot: stateSnapshotCompactedName,
};

/**
 * Cuts the lines of one kind into groups of `factor` in the order of the stock tool. A file that has a full group
 * stays as it is. Lines that stand in each other's way (the same range twice, or an overlap) are left out and named,
 * and so is a group whose name has other content; all else goes on. `used`: handles that had other lines before.
 */
export function groupLines(
  files: MetadataSet,
  kind: BackupType,
  factor: number,
  used: ReadonlySet<string> = new Set(),
): { groups: Group[]; leftAlone: LeftAlone[] } {
  const lines = uniqueLines(files, kind);
  const leftAlone: LeftAlone[] = [];
  const inConflict = rulesOf(kind).inRow ? conflicts(lines, leftAlone) : new Set<RawLine>();
  const free = lines.filter((line) => !inConflict.has(line));
  const full = fullGroups(files, kind, lines, factor);
  const done = new Set(full.flatMap((group) => group.lines.map(lineKey)));
  const namer = new Namer(files, full, leftAlone, used);
  for (const run of runsOf(free, kind, done)) {
    for (let at = 0; at < run.length; at += factor) namer.place(kind, run.slice(at, at + factor));
  }
  return { groups: namer.groups, leftAlone };
}

/** The handle of the file for a group. */
function handleOf(kind: BackupType, lines: readonly RawLine[]): string {
  return `${METADATA}/${NAMES[kind](lines[0]!.first, lines.at(-1)!.last)}`;
}

/** All lines of a kind, sorted. Of lines that are one to the stock tool, the one that says most. */
function uniqueLines(files: MetadataSet, kind: BackupType): RawLine[] {
  const all: RawLine[] = [];
  for (const { lines } of files.values()) {
    for (const line of lines) if (line.kind === kind) all.push(line);
  }
  all.sort(compareLines);
  return all.filter((line, i) => i === 0 || lineKey(line) !== lineKey(all[i - 1]!));
}

/** The lines that overlap another one. `lines` are sorted. */
function conflicts(lines: readonly RawLine[], leftAlone: LeftAlone[]): Set<RawLine> {
  const found = new Set<RawLine>();
  let furthest: RawLine | undefined;
  for (const line of lines) {
    if (furthest && line.first <= furthest.last) {
      found.add(furthest).add(line);
      const what = line.kind === 'transaction' ? 'transactions' : 'epoch endings';
      const other = `${furthest.source} has ${furthest.first} to ${furthest.last}`;
      const why = `it has ${what} ${line.first} to ${line.last}, and ${other}: the two overlap`;
      leftAlone.push({ object: line.source, why });
    }
    if (!furthest || line.last > furthest.last) furthest = line;
  }
  return found;
}

/**
 * The groups of files that are full already, also if one of their lines is in the way of another. Where two groups
 * share a line, the earlier and larger one counts.
 */
function fullGroups(
  files: MetadataSet,
  kind: BackupType,
  sorted: readonly RawLine[],
  factor: number,
): Group[] {
  const places = new Map(sorted.map((line, i) => [lineKey(line), i]));
  const candidates: (Group & { at: number })[] = [];
  for (const { handle, lines, problem } of files.values()) {
    if (COMPACTED.exec(handle)?.[1] !== kind || problem !== undefined) continue;
    if (lines.length < factor || !isPure(files, handle, kind)) continue;
    if (handle !== handleOf(kind, lines)) continue;
    const at = lines.map((line) => places.get(lineKey(line)) ?? -1);
    const isOrdered = at.every((place, i) => place >= 0 && (i === 0 || place > at[i - 1]!));
    if (!isOrdered || !followEachOther(kind, lines)) continue;
    candidates.push({ handle, lines, isThere: true, at: at[0]! });
  }
  candidates.sort((a, b) => a.at - b.at || b.lines.length - a.lines.length);
  const taken = new Set<string>();
  return candidates.flatMap(({ handle, lines, isThere }) => {
    const keys = lines.map(lineKey);
    if (keys.some((key) => taken.has(key))) return [];
    for (const key of keys) taken.add(key);
    return [{ handle, lines, isThere }];
  });
}

/** Whether a file has lines of one kind and nothing else. */
function isPure(files: MetadataSet, handle: string, kind: BackupType): boolean {
  const { lines, stamps, hasIdentity } = files.get(handle)!;
  return stamps.length === 0 && !hasIdentity && lines.every((line) => line.kind === kind);
}

function followEachOther(kind: BackupType, lines: readonly RawLine[]): boolean {
  if (!rulesOf(kind).inRow) return true;
  return lines.every((line, i) => i === 0 || line.first === lines[i - 1]!.last + 1n);
}

/** Runs of lines that are in no full group yet and follow each other. */
function runsOf(
  free: readonly RawLine[],
  kind: BackupType,
  done: ReadonlySet<string>,
): RawLine[][] {
  const runs: RawLine[][] = [];
  let run: RawLine[] = [];
  for (const line of free) {
    const isDone = done.has(lineKey(line));
    if (isDone || (run.length > 0 && !followEachOther(kind, [run.at(-1)!, line]))) {
      if (run.length > 0) runs.push(run);
      run = [];
    }
    if (!isDone) run.push(line);
  }
  return run.length > 0 ? [...runs, run] : runs;
}

/** Gives groups their names. */
class Namer {
  readonly groups: Group[];
  private readonly given: Set<string>;

  constructor(
    private readonly files: MetadataSet,
    full: readonly Group[],
    private readonly leftAlone: LeftAlone[],
    private readonly used: ReadonlySet<string>,
  ) {
    this.groups = [...full];
    this.given = new Set(full.map(({ handle }) => handle));
  }

  /**
   * If the name of a group has other content, or had it once, the last line gets a group of its own, so that the name
   * changes; but if a file has exactly these lines already, whatever its name, it stays. A single line stays where it is.
   */
  place(kind: BackupType, lines: readonly RawLine[]): void {
    const handle = handleOf(kind, lines);
    const isUsed = this.used.has(handle);
    const there = [handle, ...(isUsed ? this.files.keys() : [])].find(
      (one) => !this.given.has(one) && this.hasExactly(one, kind, lines),
    );
    if (there !== undefined) {
      this.add({ handle: there, lines: this.files.get(there)!.lines, isThere: true });
    } else if (!isUsed && !this.files.has(handle) && !this.given.has(handle)) {
      this.add({ handle, lines, isThere: false });
    } else if (lines.length > 1) {
      this.place(kind, lines.slice(0, -1));
      this.place(kind, lines.slice(-1));
    } else if (!isUsed) {
      const why = `its line would go into ${handle}, which has other content`;
      this.leftAlone.push({ object: lines[0]!.source, why });
    }
  }

  private hasExactly(handle: string, kind: BackupType, wanted: readonly RawLine[]): boolean {
    const file = this.files.get(handle);
    if (file?.problem !== undefined || file?.lines.length !== wanted.length) return false;
    const { lines } = file;
    if (!isPure(this.files, handle, kind)) return false;
    return lines.every((line, i) => lineKey(line) === lineKey(wanted[i]!));
  }

  private add(group: Group): void {
    this.groups.push(group);
    this.given.add(group.handle);
  }
}
