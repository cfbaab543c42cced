import { encodeMetadataLine, metadataFileName } from '../../aptos/index.js';
import { IDENTITY } from '../../repository/metadata-file.js';
import { METADATA } from '../../storage/handles.js';
import type { Group } from './groups.js';
import type { LeftAlone } from './left-alone.js';
import type { MetadataSet, ReadFile, Stamps } from './metadata-set.js';
import { lineKey } from './raw-lines.js';

/** A file of which everything is in other files, too. */
export interface Replaced {
  file: ReadFile;
  /** The groups that have its lines. None for a file that has only stamps, which newer ones replace. */
  groups: readonly Group[];
  /** Since when a compaction knows it, unix seconds. Undefined: since now. */
  since: bigint | undefined;
}

/** The files whose lines all are in `groups`, and what is left alone although it is no group. */
export function findReplaced(
  files: MetadataSet,
  groups: readonly Group[],
): { replaced: Replaced[]; leftAlone: LeftAlone[] } {
  const kept = new Map<string, { raw: string; group: Group }>();
  for (const group of groups) {
    for (const line of group.lines) kept.set(lineKey(line), { raw: line.raw, group });
  }
  const isGroup = new Set(groups.map(({ handle }) => handle));
  const stamps = stampsOf(files);
  const replaced: Replaced[] = [];
  const leftAlone: LeftAlone[] = [];
  for (const file of files.values()) {
    const { handle } = file;
    if (handle === IDENTITY || isGroup.has(handle)) continue;
    const why = file.problem ?? (file.hasIdentity ? 'it has an identity line' : undefined);
    if (why !== undefined) {
      leftAlone.push({ object: handle, why });
      continue;
    }
    if (file.stamps.some((one) => one === stamps[0])) continue;
    const places = file.lines.map((line) => kept.get(lineKey(line)));
    if (places.some((place) => place === undefined)) continue; // it is in the way of another one, which is told
    if (file.lines.some((line, i) => line.hasMore && line.raw !== places[i]!.raw)) {
      leftAlone.push({ object: handle, why: 'it says more than the file that would replace it' });
      continue;
    }
    const its = [...new Set(places.map((place) => place!.group))];
    replaced.push({ file, groups: its, since: sinceWhen(file, stamps) });
  }
  return { replaced, leftAlone };
}

/** All stamps, the newest first. */
function stampsOf(files: MetadataSet): Stamps[] {
  const all = [...files.values()].flatMap(({ stamps, problem }) =>
    problem === undefined ? stamps : [],
  );
  return all.sort((a, b) =>
    a.at === b.at ? (a.source > b.source ? -1 : 1) : a.at > b.at ? -1 : 1,
  );
}

/**
 * By the newest stamps that tell it. They may be older than the newest of all, because stamps are written without
 * the files that are moved next: so a compactor that dies while it moves them is no trap for the stock tool, and
 * the next one of ours goes on at once. A file of stamps is replaced by the next newer one.
 */
function sinceWhen(file: ReadFile, stamps: readonly Stamps[]): bigint | undefined {
  if (file.lines.length === 0) {
    const place = stamps.findIndex(({ source }) => source === file.handle);
    return stamps[place - 1]?.at;
  }
  for (const { stamps: by } of stamps) {
    const since = by.get(file.handle);
    if (typeof since === 'bigint') return since;
  }
  return undefined;
}

export interface Judged {
  /** To be moved now: backups first. */
  expired: Replaced[];
  /** Handles that stay for now, and since when they are known. */
  waiting: ReadonlyMap<string, bigint>;
  /** How many of them were not known before. */
  stamped: number;
  /** The new file of stamps, if one is needed. */
  stamps?: { name: string; content: Uint8Array };
}

/** Decides which replaced files have waited for long enough. Times are unix seconds. */
export function judge(
  files: MetadataSet,
  replaced: readonly Replaced[],
  times: { now: bigint; removeAfter: bigint },
): Judged {
  const { now, removeAfter } = times;
  const earliest = (since: bigint) => (since < now ? since : now);
  const isOver = ({ since }: Replaced) =>
    since !== undefined && now > earliest(since) + removeAfter;
  const isOfBackups = ({ file }: Replaced) => file.lines.length > 0;
  const expired = replaced.filter(isOver);
  const staying = replaced.filter((one) => !isOver(one));
  const waiting = new Map(
    staying.filter(isOfBackups).map(({ file, since }) => [file.handle, earliest(since ?? now)]),
  );
  const stamps = newStamps(files, waiting, now);
  return {
    expired: [...expired.filter(isOfBackups), ...expired.filter((one) => !isOfBackups(one))],
    waiting: new Map(staying.map(({ file, since }) => [file.handle, earliest(since ?? now)])),
    stamped: staying.filter((one) => isOfBackups(one) && one.since === undefined).length,
    ...(stamps ? { stamps } : {}),
  };
}

/** Undefined when the newest stamps say all of it, and nothing else. */
function newStamps(
  files: MetadataSet,
  waiting: ReadonlyMap<string, bigint>,
  now: bigint,
): Judged['stamps'] {
  const [newest] = stampsOf(files);
  const known = newest?.stamps ?? new Map<string, bigint | null>();
  const isSame = [...waiting].every(([handle, since]) => known.get(handle) === since);
  if (isSame && known.size === waiting.size) return undefined;
  // The stamps with the highest time count, whatever the clock of their writer said.
  let at = newest && newest.at >= now ? newest.at + 1n : now;
  const nameOf = (time: bigint) =>
    metadataFileName({
      type: 'CompactionTimestamps',
      fileCompactedAt: time,
      compactionTimestamps: new Map(),
    });
  while (files.has(`${METADATA}/${nameOf(at)}`)) at += 1n;
  const compactionTimestamps = new Map([...waiting].sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = encodeMetadataLine({
    type: 'CompactionTimestamps',
    fileCompactedAt: at,
    compactionTimestamps,
  });
  return { name: nameOf(at), content };
}
