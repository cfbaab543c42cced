import { BLIND } from '../monitor/blind.js';
import type { Health, Level } from '../contract/answers/shown-answers.js';

/** Something that is wrong, as long as it is known. Times are unix milliseconds. */
export interface Alarm {
  level: Level;
  text: string;
  /** Since when it is so, as far as anybody knows. */
  since: number;
  /** When it was first seen here, and since when it has this level. */
  seen: number;
  levelSince: number;
  /** Since when it is not there any more. It may come back. */
  gone?: number | undefined;
}

/** Alarms by code. */
export type Alarms = Record<string, Alarm>;

/** What was told by one way, by code. */
export type Told = Record<string, { level: Level; text: string; since: number; at: number }>;

/** What has to be told of an alarm. */
export interface Notice {
  event: 'begun' | 'changed' | 'reminder' | 'resolved';
  code: string;
  level: Level;
  /** The level that was told before, if it has changed. */
  was?: Level;
  text: string;
  since: number;
}

/** When something is told, in milliseconds. */
export interface Patience {
  afterMs: number;
  remindMs: number | undefined;
}

const CODES_OF_BLIND: readonly string[] = Object.values(BLIND);

/** What is found by one look. */
export interface Look {
  reasons: Health['reasons'];
  /** Codes of which nothing is known at present. */
  unknown?: readonly string[];
  /** Unix milliseconds. */
  now: number;
}

/**
 * The alarms after another look. While nothing is known of the coordinator, nothing that it told counts as over. A
 * start is no alarm. `isTold` says for which codes somebody waits to hear of their end; others are forgotten.
 */
export function lookAgain(
  before: Alarms,
  { reasons, unknown = [], now }: Look,
  isTold: (code: string) => boolean,
): Alarms {
  const blind = reasons.some(({ code }) => CODES_OF_BLIND.includes(code));
  const found = reasons.filter(({ code }) => code !== BLIND.starts);
  const after: Alarms = {};
  for (const { level, code, what: text, since } of found) {
    const known = before[code];
    const old = known?.gone === undefined ? known : undefined;
    const first = since === undefined ? now : Math.min(Date.parse(since), now);
    after[code] = {
      ...{ level, text },
      since: Math.min(old?.since ?? first, first),
      // A clock that was set back must not make an alarm wait for longer.
      seen: Math.min(old?.seen ?? now, now),
      levelSince: known?.level === level ? Math.min(known.levelSince, now) : now,
    };
  }
  for (const [code, old] of Object.entries(before)) {
    if (after[code]) continue;
    if (blind || unknown.includes(code)) after[code] = old;
    else if (isTold(code)) after[code] = { ...old, gone: Math.min(old.gone ?? now, now) };
  }
  return after;
}

/** What one way still has to tell. */
export function owed(alarms: Alarms, told: Told, patience: Patience, now: number): Notice[] {
  const { afterMs, remindMs } = patience;
  const current = Object.entries(alarms).flatMap(([code, alarm]): Notice[] => {
    const { level, text } = alarm;
    const known = told[code];
    const notice = { code, level, text, since: known?.since ?? alarm.since };
    if (alarm.gone !== undefined) {
      if (!known || now - alarm.gone < afterMs) return [];
      return [{ event: 'resolved', ...notice, level: known.level }];
    }
    if (!known) return now - alarm.seen < afterMs ? [] : [{ event: 'begun', ...notice }];
    if (known.level !== level && now - alarm.levelSince >= afterMs) {
      return [{ event: 'changed', ...notice, was: known.level }];
    }
    if (remindMs === undefined || now - known.at < remindMs) return [];
    return [{ event: 'reminder', ...notice }];
  });
  const forgotten = Object.entries(told).flatMap(([code, { level, text, since }]): Notice[] =>
    alarms[code] ? [] : [{ event: 'resolved', code, level, text, since }],
  );
  return [...current, ...forgotten];
}

/** What one way has told after it delivered these notices. */
export function afterTelling(told: Told, notices: readonly Notice[], now: number): Told {
  const after = { ...told };
  for (const { event, code, level, text, since } of notices) {
    if (event === 'resolved') delete after[code];
    else after[code] = { level, text, since, at: now };
  }
  return after;
}
