/** What keep rules keep, whatever snapshots there are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type SnapshotFacts,
  type SnapshotRules,
  dayOf,
  keptSnapshots,
  monthOf,
  weekOf,
} from '../../../src/upkeep/retention/rules.js';

const DAY = 86_400_000;
const NONE: { proven: string | undefined; pinned: ReadonlySet<string>; now?: number } = {
  proven: undefined,
  pinned: new Set(),
};

/** A snapshot at the end of an epoch; each epoch has 100 versions. */
function snapshot(epoch: number, at: string | number | undefined, name = ''): SnapshotFacts {
  const folder = `state_epoch_${epoch}_ver_${epoch * 100}${name}`;
  const time = typeof at === 'string' ? Date.parse(at) : at;
  return {
    epoch: BigInt(epoch),
    version: BigInt(epoch * 100),
    folder,
    manifest: `${folder}/state.manifest`,
    ...(time === undefined ? {} : { at: time }),
  };
}

function kept(snapshots: SnapshotFacts[], rules: SnapshotRules, more: Partial<typeof NONE> = {}) {
  const reasons = keptSnapshots(snapshots, rules, { ...NONE, ...more });
  return snapshots
    .filter(({ manifest }) => reasons.get(manifest)!.length > 0)
    .map(({ epoch }) => Number(epoch));
}

/** Three snapshots a day from Monday, the 1st of January 2024, on: epochs 0 to 89. */
const MONTH = Array.from({ length: 90 }, (_, i) =>
  snapshot(i, Date.parse('2024-01-01T04:00:00Z') + i * 8 * 3_600_000),
);

describe('the rules', () => {
  it.each<[string, SnapshotRules, number[]]>([
    ['the last 3', { last: 3 }, [0, 87, 88, 89]],
    ['the last of more than there are', { last: 1000 }, MONTH.map((_, i) => i)],
    // The newest is of the 30th, 20:00; two days back is the 28th, 20:00.
    ['one a day for two days', { dailyMs: 2 * DAY }, [0, 83, 86, 89]],
    ['one a week for three weeks', { weeklyMs: 21 * DAY }, [0, 41, 62, 83, 89]],
    ['one a month for a year', { monthlyMs: 365 * DAY }, [0, 89]],
    ['a day of none', { dailyMs: 0 }, [0, 89]],
    ['several together', { last: 2, weeklyMs: 8 * DAY }, [0, 83, 88, 89]],
  ])('keep %s, and always epoch 0 and the newest', (_name, rules, expected) => {
    expect(kept(MONTH, rules)).toEqual(expected);
  });

  it('keep sound snapshots in place of damaged ones, and these as well', () => {
    const damaged = (epochs: number[]) =>
      MONTH.map((one) => ({ ...one, damaged: epochs.includes(Number(one.epoch)) }));
    expect(kept(damaged([88, 89]), { last: 2 })).toEqual([0, 86, 87, 88, 89]);
    expect(kept(damaged([86, 89]), { dailyMs: 2 * DAY })).toEqual([0, 83, 85, 86, 88, 89]);
    expect(kept(damaged([3, 4]), { last: 2 })).toEqual([0, 88, 89]);
  });

  it('count by the time of the chain: what the clock of a host says changes nothing', () => {
    const years = MONTH.map(({ epoch, at }) => snapshot(Number(epoch), at! - 3650 * DAY));
    expect(kept(years, { dailyMs: 2 * DAY })).toHaveLength(4);
  });

  it('keep the newest proven one, what is pinned, and what has no time', () => {
    const proven = MONTH[40]!.manifest;
    expect(kept(MONTH, { last: 1 }, { proven })).toEqual([0, 40, 89]);
    const pinned = new Set([MONTH[17]!.folder]);
    expect(kept(MONTH, { last: 1 }, { pinned })).toEqual([0, 17, 89]);
    const untimed = [...MONTH.slice(0, 50), snapshot(90, undefined), snapshot(91, '2024-02-01')];
    expect(kept(untimed, { dailyMs: DAY })).toEqual([0, 90, 91]);
    expect(kept(untimed, { last: 1 })).toEqual([0, 91]);
  });

  it('count no time that cannot be right: damage in one proof makes no other snapshot old', () => {
    const withTime = (epoch: number, at: string) =>
      MONTH.map((one) => (Number(one.epoch) === epoch ? { ...one, at: Date.parse(at) } : one));
    const rules = { dailyMs: 2 * DAY };
    expect(kept(withTime(50, '2034-01-01'), rules)).toEqual([0, 50, 83, 86, 89]);
    const now = MONTH[89]!.at!;
    expect(kept(withTime(89, '2034-01-01'), rules, { now })).toEqual([0, 83, 86, 88, 89]);
    expect(kept(withTime(89, '1970-01-01'), rules)).toHaveLength(90);
    expect(kept(MONTH, rules, { now })).toEqual([0, 83, 86, 89]);
    // A clock that is far behind removes nothing.
    expect(kept(MONTH, rules, { now: 0 })).toHaveLength(90);
  });

  it('keep all backups of one version together', () => {
    const twice = [...MONTH, snapshot(89, MONTH[89]!.at, '_again')];
    expect(kept(twice, { last: 1 })).toEqual([0, 89, 89]);
    expect(kept([], { last: 1 })).toEqual([]);
  });

  it('cut weeks on Mondays and months by the calendar, in UTC', () => {
    const at = (text: string) => Date.parse(text);
    expect(weekOf(at('2024-01-07T23:59:59Z'))).toBe(weekOf(at('2024-01-01T00:00:00Z')));
    expect(weekOf(at('2024-01-08T00:00:00Z'))).not.toBe(weekOf(at('2024-01-07T23:59:59Z')));
    expect(monthOf(at('2024-02-29T23:59:59Z'))).toBe('2024-02');
    expect(dayOf(at('2024-02-29T23:59:59Z'))).toBe(dayOf(at('2024-02-29T00:00:00Z')));
  });
});

describe('whatever snapshots and rules there are', () => {
  const days = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined });
  const ms = days.map((n) => (n === undefined ? undefined : n * DAY));
  const rulesOf = fc.record({
    last: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    dailyMs: ms,
    weeklyMs: ms,
    monthlyMs: ms,
  });
  /** Gaps between epochs of up to four days. */
  const gaps = fc.array(fc.integer({ min: 60_000, max: 4 * DAY }), {
    minLength: 1,
    maxLength: 150,
  });
  const storage = gaps.map((list) => {
    let at = Date.parse('2023-11-05T11:00:00Z');
    return list.map((gap, epoch) => snapshot(epoch, (at += gap)));
  });

  it('what is kept satisfies every rule, and epoch 0 and the newest proven one always stay', () => {
    fc.assert(
      fc.property(storage, rulesOf, fc.nat(), (snapshots, rules, pick) => {
        const proven = snapshots[pick % snapshots.length]!;
        const all = new Set(kept(snapshots, rules, { proven: proven.manifest }));
        const has = ({ epoch }: SnapshotFacts) => all.has(Number(epoch));
        const newest = snapshots.at(-1)!;
        expect(has(snapshots[0]!) && has(newest) && has(proven)).toBe(true);
        expect(snapshots.slice(-(rules.last ?? 1)).every(has)).toBe(true);
        for (const [forMs, periodOf] of [
          [rules.dailyMs, dayOf],
          [rules.weeklyMs, weekOf],
          [rules.monthlyMs, monthOf],
        ] as const) {
          if (forMs === undefined) continue;
          for (const one of snapshots.filter(({ at }) => at! >= newest.at! - forMs)) {
            const same = snapshots.filter(({ at }) => periodOf(at!) === periodOf(one.at!));
            expect(has(same.at(-1)!)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a run every day ends with the same as one run, because no rule removes what a longer one needs later', () => {
    fc.assert(
      fc.property(storage, rulesOf, (snapshots, rules) => {
        let stored: SnapshotFacts[] = [];
        for (const one of snapshots) {
          stored = [...stored, one];
          const left = new Set(kept(stored, rules));
          stored = stored.filter(({ epoch }) => left.has(Number(epoch)));
        }
        expect(stored.map(({ epoch }) => Number(epoch))).toEqual(kept(snapshots, rules));
      }),
      { numRuns: 60 },
    );
  });
});
