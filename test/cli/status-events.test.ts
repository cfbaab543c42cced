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
    'following: node at version 100, 4 epochs ended; epoch endings nothing stored yet; state snapshots nothing stored yet; transactions to 99, 5 behind; up 277h46m',
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
