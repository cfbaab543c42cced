/** What the rules need to know of a snapshot. */
export interface SnapshotFacts {
  epoch: bigint;
  version: bigint;
  manifest: string;
  /** The folder of the backup. */
  folder: string;
  /** It cannot be restored as it is, so it must not take the place of one that can. */
  damaged?: boolean;
  /** The time of its ledger info, unix milliseconds. Absent when its proof cannot be read. */
  at?: number;
}

/** Which snapshots to keep. Times are in milliseconds, counted back from the newest snapshot. */
export interface SnapshotRules {
  last?: number | undefined;
  dailyMs?: number | undefined;
  weeklyMs?: number | undefined;
  monthlyMs?: number | undefined;
}

export const KEEP_REASONS = [
  'genesis',
  'newest proven',
  'newest',
  'last',
  'daily',
  'weekly',
  'monthly',
  'pinned',
  'time unknown',
] as const;
export type KeepReason = (typeof KEEP_REASONS)[number];

/** Whether any rule is about snapshots. Without one, all of them are kept. */
export function hasSnapshotRule(rules: SnapshotRules): boolean {
  return rules.last !== undefined || hasTimeRule(rules);
}

/** Whether a rule needs the times of snapshots. */
export function hasTimeRule({ dailyMs, weeklyMs, monthlyMs }: SnapshotRules): boolean {
  return [dailyMs, weeklyMs, monthlyMs].some((ms) => ms !== undefined);
}

const DAY_MS = 86_400_000;
/** Clocks of stores and of chains differ a little. */
const AHEAD_MS = DAY_MS;

/**
 * Why each snapshot is kept; one without a reason may go. Of each day, week (from Monday) and month in UTC, the newest
 * snapshot counts. So a shorter rule never lets go what a longer one keeps. Times count back from the
 * newest snapshot and not from now: a wrong clock of a host then removes nothing. Damaged ones are counted as if they
 * were whole, and then the rules are read once more without them: so nothing that can be restored goes for one that
 * cannot, and a damaged one can be repaired as long as it would be kept. Several backups of one version are kept
 * together. `proven`: the manifest of the newest proven snapshot. `pinned`: folders. `now`: no snapshot is from later.
 */
export function keptSnapshots(
  stored: readonly SnapshotFacts[],
  rules: SnapshotRules,
  { proven, pinned, now = Infinity }: KeepFacts,
): Map<string, KeepReason[]> {
  const snapshots = withoutStrayTimes(stored, now + AHEAD_MS);
  const reasons = new Map<string, KeepReason[]>(snapshots.map(({ manifest }) => [manifest, []]));
  const keep = (version: bigint | undefined, why: KeepReason) => {
    for (const one of snapshots) {
      const known = reasons.get(one.manifest)!;
      if (one.version === version && !known.includes(why)) known.push(why);
    }
  };
  const versions = [...new Set(snapshots.map(({ version }) => version))].sort(descending);
  keep(versions[0], 'newest');
  keep(snapshots.find(({ manifest }) => manifest === proven)?.version, 'newest proven');
  for (const { epoch, version, folder, at } of snapshots) {
    if (epoch === 0n) keep(version, 'genesis');
    if (pinned.has(folder)) keep(version, 'pinned');
    if (at === undefined && hasTimeRule(rules)) keep(version, 'time unknown');
  }
  const sound = snapshots.filter(({ damaged }) => !damaged);
  for (const counted of [snapshots, sound]) keepByCount(counted, rules, keep);
  return reasons;
}

interface KeepFacts {
  proven: string | undefined;
  pinned: ReadonlySet<string>;
  now?: number | undefined;
}

/**
 * Times that cannot be right are unknown. Nobody has proven them: one damaged byte in a `state.proof` must not make all
 * other snapshots look years old. A chain's time only grows, so a snapshot is not from later than a newer one.
 */
function withoutStrayTimes(snapshots: readonly SnapshotFacts[], latest: number): SnapshotFacts[] {
  let earliest = latest;
  const sound = new Map<SnapshotFacts, SnapshotFacts>();
  for (const one of [...snapshots].sort((a, b) => descending(a.version, b.version))) {
    const { at, ...untimed } = one;
    const isStray = at !== undefined && at > earliest;
    sound.set(one, isStray ? untimed : one);
    if (at !== undefined) earliest = Math.min(earliest, at);
  }
  return snapshots.map((one) => sound.get(one)!);
}

/** What the rules keep of these snapshots alone. */
function keepByCount(
  snapshots: readonly SnapshotFacts[],
  rules: SnapshotRules,
  keep: (version: bigint, why: KeepReason) => void,
): void {
  const versions = [...new Set(snapshots.map(({ version }) => version))].sort(descending);
  for (const version of versions.slice(0, rules.last ?? 0)) keep(version, 'last');
  const timed = snapshots.filter(isTimed);
  const newest = timed.reduce((most, { at }) => Math.max(most, at), -Infinity);
  for (const [why, forMs, periodOf] of [
    ['daily', rules.dailyMs, dayOf],
    ['weekly', rules.weeklyMs, weekOf],
    ['monthly', rules.monthlyMs, monthOf],
  ] as const) {
    if (forMs === undefined) continue;
    for (const version of newestOfEach(timed, newest - forMs, periodOf)) keep(version, why);
  }
}

type Timed = SnapshotFacts & { at: number };

function isTimed(one: SnapshotFacts): one is Timed {
  return one.at !== undefined;
}

function newestOfEach(
  snapshots: readonly Timed[],
  since: number,
  periodOf: (at: number) => string,
): bigint[] {
  const newest = new Map<string, bigint>();
  for (const { at, version } of snapshots) {
    if (at < since) continue;
    const period = periodOf(at);
    const known = newest.get(period);
    if (known === undefined || version > known) newest.set(period, version);
  }
  return [...newest.values()];
}

export function dayOf(at: number): string {
  return `${Math.floor(at / DAY_MS)}`;
}

/** The first of January 1970 was a Thursday. */
export function weekOf(at: number): string {
  return `${Math.floor((at / DAY_MS + 3) / 7)}`;
}

export function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

function descending(a: bigint, b: bigint): number {
  return a > b ? -1 : 1;
}
