/** What is told of alarms, and when: by looks at made-up times, in seconds. */
import { expect, it } from 'vitest';
import { type Alarms, type Told, afterTelling, lookAgain, owed } from '../../src/notify/alarms.js';
import type { Level } from '../../src/contract/answers/shown-answers.js';

const PATIENCE = { afterMs: 60_000, remindMs: 86_400_000 };
const DAY = 86_400;

/** Looks at these times, tells what is owed at once, and returns what was told, as "time event level code". */
function tell(looks: [at: number, found: Record<string, Level>, deaf?: boolean][]): string[] {
  let alarms: Alarms = {};
  let told: Told = {};
  const lines: string[] = [];
  for (const [at, found, deaf = false] of looks) {
    const now = at * 1000;
    const reasons = Object.entries(found).map(([code, level]) => ({ code, level, what: code }));
    alarms = lookAgain(alarms, { reasons, now }, (code) => Object.hasOwn(told, code));
    if (deaf) continue;
    const notices = owed(alarms, told, PATIENCE, now);
    told = afterTelling(told, notices, now);
    lines.push(...notices.map(({ event, level, code }) => `${at} ${event} ${level} ${code}`));
  }
  return lines;
}

it.each<[string, Parameters<typeof tell>[0], string[]]>([
  [
    'an alarm is told once, when it has lasted, and its end when it stays away',
    [
      [0, { NODE: 'warning' }],
      [59, { NODE: 'warning' }],
      [60, { NODE: 'warning' }],
      [500, { NODE: 'warning' }],
      [600, {}],
      [659, {}],
      [660, {}],
      [700, {}],
    ],
    ['60 begun warning NODE', '660 resolved warning NODE'],
  ],
  [
    'a flap is not told, however often it comes',
    [
      [0, { NODE: 'warning' }],
      [50, {}],
      [55, { NODE: 'warning' }],
      [100, { NODE: 'warning' }],
      [110, {}],
      [200, {}],
    ],
    [],
  ],
  [
    'an alarm that was told and goes away for a moment is neither over nor new',
    [
      [0, { NODE: 'warning' }],
      [60, { NODE: 'warning' }],
      [100, {}],
      [130, { NODE: 'warning' }],
      [300, { NODE: 'warning' }],
    ],
    ['60 begun warning NODE'],
  ],
  [
    'another level is told when it lasts, and not when it is there for a moment',
    [
      [0, { NODE: 'warning' }],
      [60, { NODE: 'warning' }],
      [100, { NODE: 'critical' }],
      [130, { NODE: 'warning' }],
      [200, { NODE: 'critical' }],
      [260, { NODE: 'critical' }],
      [400, { NODE: 'critical' }],
    ],
    ['60 begun warning NODE', '260 changed critical NODE'],
  ],
  [
    'what lasts is told again once a day',
    [
      [0, { NODE: 'warning' }],
      [60, { NODE: 'warning' }],
      [DAY, { NODE: 'warning' }],
      [DAY + 60, { NODE: 'warning' }],
      [DAY + 90, { NODE: 'warning' }],
      [2 * DAY + 61, { NODE: 'warning' }],
    ],
    [
      '60 begun warning NODE',
      `${DAY + 60} reminder warning NODE`,
      `${2 * DAY + 61} reminder warning NODE`,
    ],
  ],
  [
    'while nothing is known of the coordinator, its alarms are not over, and a start is no alarm',
    [
      [0, { NODE: 'warning' }],
      [60, { NODE: 'warning' }],
      [100, { STARTS: 'warning' }],
      [300, { STARTS: 'warning' }],
      [400, { NO_ANSWER: 'critical' }],
      [460, { NO_ANSWER: 'critical' }],
      [500, { NODE: 'warning' }],
      [560, { NODE: 'warning' }],
    ],
    ['60 begun warning NODE', '460 begun critical NO_ANSWER', '560 resolved critical NO_ANSWER'],
  ],
  [
    'what begins and ends while nobody can be told is not told at all',
    [
      [0, { NODE: 'warning' }],
      [90, { NODE: 'warning' }, true],
      [200, {}, true],
      [300, {}],
    ],
    [],
  ],
  [
    'a clock that is set back delays nothing and repeats nothing',
    [
      [1000, { NODE: 'warning' }],
      [100, { NODE: 'warning' }],
      [160, { NODE: 'warning' }],
      [50, { NODE: 'warning' }],
      [200, { NODE: 'warning' }],
    ],
    ['160 begun warning NODE'],
  ],
])('%s', (_, looks, told) => {
  expect(tell(looks)).toEqual(told);
});

it('the begin of an alarm is the one that the coordinator names, also at its end', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const now = Date.parse('2026-01-01T01:00:00Z');
  const reasons = [{ code: 'LOST', level: 'critical' as const, what: 'gone', since }];
  const alarms = lookAgain({}, { reasons, now }, () => false);
  const patience = { afterMs: 0, remindMs: undefined };
  const [begun] = owed(alarms, {}, patience, now);
  expect(begun).toMatchObject({ event: 'begun', since: Date.parse(since) });
  const told = afterTelling({}, [begun!], now);
  const [over] = owed(
    lookAgain(alarms, { reasons: [], now }, () => true),
    told,
    patience,
    now,
  );
  expect(over).toMatchObject({ event: 'resolved', level: 'critical', since: Date.parse(since) });
});
