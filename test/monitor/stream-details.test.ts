/** What is said of a stream is true now, not only when it was last known. */
import { expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status-board.js';
import { streamDetails } from '../../src/monitor/stream-details.js';
import { NOW, ago, liveStatus } from '../support/status.js';

const current = { target: 'transactions 1 to 9', workflow_id: 'w', since: ago(900), attempts: 1 };
const unit = (seconds: number) => {
  const counts = { done: 1, total: 2, bytes: 3, failed_ranges: 0, rate: 22 };
  return liveStatus(
    { current, state: 'working', rate: 22 },
    { progress: { transaction: { ...counts, advanced_at: NOW - seconds * 1000 } } },
  );
};

it('a unit that has not moved for a while has no rate', () => {
  expect(streamDetails(unit(5), 'transaction', NOW).progress).toBe(
    '50 %, 3 B, 22 records/s, ETA 0s',
  );
  expect(streamDetails(unit(180), 'transaction', NOW).progress).toBe(
    '50 %, 3 B, not moved for 3m0s',
  );
});

it('a paused stream names the command that ends the pause', () => {
  const status = liveStatus({ state: 'paused', waiting_for: 'aptos-backup resume' });
  expect(streamDetails(status, 'transaction', NOW).doing).toBe('paused until aptos-backup resume');
});

it('a status says what is wrong once', () => {
  const reason = 'the storage is away';
  const alarm = { code: 'STORAGE', text: `${reason} (12 times)`, since: ago(60) };
  const retrying = [
    { what: 'watchNode', attempt: 3, reason },
    { what: 'tidyStorage', attempt: 2, reason: 'no room' },
  ];
  const waits = { waiting_for: 'the end of the alarm STORAGE' };
  const lines = describeStatus(liveStatus(waits, { alarms: [alarm], retrying }, waits), NOW);
  expect(lines.filter((line) => line.includes(reason))).toHaveLength(1);
  expect(lines).toContain('  tidying the storage: attempt 2 after: no room');
});

it('a storage that shares have proven is proven as a whole, as health counts it', () => {
  const verification = { running: false, succeeded_at: ago(60), rotated_at: ago(86_400) };
  expect(describeStatus(liveStatus({}, { verification }), NOW)).toContainEqual(
    expect.stringContaining(`, the whole storage at ${ago(86_400)}`),
  );
});
