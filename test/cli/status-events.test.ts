/** What happens between two looks at a coordinator is told as events. */
import { expect, it } from 'vitest';
import { eventsSince, summaryOf } from '../../src/cli/status-events.js';
import { NOW, ago, liveStatus } from '../support/status.js';

const told = (...looks: Parameters<typeof eventsSince>) =>
  eventsSince(...looks).map(({ level, text }) => `${level} ${text}`);

it('commits, failures, alarms and begun units are events, once each', () => {
  const before = liveStatus();
  const current = {
    ...{ target: 'transactions 100 to 199', workflow_id: 'w', since: ago(1), attempts: 1 },
  };
  const failed = {
    ...{ unit: 'transaction/0-99', reason: 'no room', code: 'STORAGE_FULL', attempts: 2 },
    retry_at: ago(-60),
  };
  const alarm = { code: 'STORAGE', text: 'no room', since: ago(1) };
  const after = liveStatus(
    {
      current,
      last_commit: { what: 'transactions 50 to 99', at: ago(1) },
      committed: 5,
      rate: 70,
      failed: [failed],
    },
    { alarms: [alarm] },
  );
  expect(told(before, after)).toEqual([
    'info stored transactions 50 to 99 and 1 before it, 70 records/s',
    `error failed transaction/0-99 (attempt 2, next at ${ago(-60)}): STORAGE_FULL: no room`,
    'info backing up transactions 100 to 199',
    'error ALARM STORAGE: no room',
  ]);
  expect(told(after, after)).toEqual([]);
  expect(told(after, { ...after, alarms: [] })).toEqual(['info alarm STORAGE is over']);
  // What was stored before the first look is no event of it.
  expect(told(undefined, before)).toEqual([]);
});

it('the summary is one line, and says no time left while a stream only waits', () => {
  const waiting = liveStatus({ newest: '99', lag: '5', rate: 1000, eta_seconds: 1 });
  expect(summaryOf(waiting, NOW)).toBe(
    'following: node at version 100, 4 epochs ended; epoch endings nothing stored yet; state snapshots nothing stored yet; transactions to 99, 5 behind',
  );
});

it('an activity that is tried again is told once for each reason, in words', () => {
  const retries = (attempt: number, reason: string) =>
    liveStatus({}, { retrying: [{ what: 'claimStorage', attempt, reason }] });
  const warned = (reason: string) =>
    `warn claiming the storage fails and is tried again: ${reason}`;
  expect(told(liveStatus(), retries(2, 'no connection'))).toEqual([warned('no connection')]);
  expect(told(retries(2, 'asked 2 times'), retries(3, 'asked 6 times'))).toEqual([]);
  expect(told(retries(3, 'no connection'), retries(4, 'no room'))).toEqual([warned('no room')]);
});

it('a verification or drill that failed is told with its reason', () => {
  const failed = { running: false, failed_at: ago(1), failed_why: 'NO_SPACE: no room' };
  const is = liveStatus({}, { verification: failed, drill: failed });
  expect(told(liveStatus(), is)).toEqual([
    `error a verification failed, at ${ago(1)} (NO_SPACE: no room)`,
    `error a restore drill failed, at ${ago(1)} (NO_SPACE: no room)`,
  ]);
});

it('a copy that ended and what a schedule did are told once, also when all went well', () => {
  const copy = { to: '/copy', running: false, ended_at: ago(1), outcome: 'done' as const };
  const schedule = (id: string, outcome: 'runs' | 'done' | 'failed') => ({
    ...{ id: `aptos-backup/b-1/schedule/${id}`, paused: false, created_at: ago(99), missed: 0 },
    ...{ every_ms: 86_400_000, next: ago(-9), last: ago(9), outcome },
  });
  const looks = (outcome: 'runs' | 'done') =>
    liveStatus({}, { schedules: ['prune', 'verify'].map((id) => schedule(id, outcome)) });
  const [runs, done] = [looks('runs'), { ...looks('done'), copy }];
  expect(told(runs, done)).toEqual([
    'info a copy into /copy is done',
    `info schedule prune: every 24h0m, next ${ago(-9)}, last ${ago(9)} (done)`,
  ]);
  expect(told(done, done)).toEqual([]);
  const bad = { ...copy, outcome: 'failed' as const, ended_at: ago(0), why: 'no room' };
  const failed = { ...looks('done'), copy: bad, schedules: [schedule('gc', 'failed')] };
  expect(told(done, failed)).toEqual([
    `error a copy into /copy failed, at ${ago(0)} (no room)`,
    `error schedule gc: every 24h0m, next ${ago(-9)}, last ${ago(9)} (failed)`,
  ]);
});

it('a pause, a resume and new settings are told once each, whoever sent them', () => {
  const current = { target: 'transactions 1 to 9', workflow_id: 'w', since: ago(1), attempts: 1 };
  const going = liveStatus({ current, state: 'working' });
  // What is in work is finished, so the stream still works.
  const paused = liveStatus({ current, state: 'working', paused: true });
  expect(told(going, paused)).toEqual([
    'warn paused: transactions; to go on: aptos-backup resume transaction',
  ]);
  expect(told(paused, paused)).toEqual([]);
  expect(told(paused, going)).toEqual(['info resumed: transactions']);
  const both = liveStatus({ paused: true }, {}, { paused: true });
  expect(told(liveStatus(), both)).toEqual([
    'warn paused: state snapshots, transactions; to go on: aptos-backup resume',
  ]);
  expect(summaryOf(both, NOW)).toMatch(/transactions nothing stored yet, paused$/);

  const set = (concurrency: string) => liveStatus({}, { settings: { concurrency, network: 'x' } });
  expect(told(set('4'), set('6'))).toEqual(['info new settings: concurrency 4 -> 6']);
  expect(told(set('6'), set('6'))).toEqual([]);
  // A worker of a version before this one tells no settings.
  expect(told(liveStatus(), set('6'))).toEqual([]);
});
