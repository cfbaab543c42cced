/** How the error of an attempt becomes the failure that decides about the next one. */
import { describe, expect, it } from 'vitest';
import {
  CONTROL_BUDGETS,
  type FailureCounts,
  FailedOnNode,
  type OtherNodes,
  RANGE_BUDGETS,
  toFailure,
} from '../../src/activities/failures.js';
import { BackupError, type BackupErrorCode } from '../../src/backup/errors.js';
import { NodeError } from '../../src/node/errors.js';
import { StorageError } from '../../src/storage/errors.js';
import { controlOptions, rangeOptions } from '../../src/workflows/activity-options.js';

const lie = new BackupError('NODE_LIED', 'it fails its proof', true);
const missing = new NodeError('NODE_HTTP_STATUS', 'http://a/x', 'status 404', false, undefined);
const on = (error: Error, others: Partial<OtherNodes>) =>
  new FailedOnNode(error, 'http://a', { well: false, untried: false, failed: [], ...others });
const fail = (error: Error, counts: FailureCounts = {}) =>
  toFailure(error, counts, RANGE_BUDGETS, [{ node: 'http://a', why: 'x', at: 1 }]);

it('goes to another node at once, whatever the first did', () => {
  for (const error of [lie, missing]) {
    const failure = fail(on(error, { well: true, untried: true }));
    expect(failure).toMatchObject({ nonRetryable: false, nextRetryDelay: 250 });
    expect(failure.message).toMatch(/^http:\/\/a/);
  }
  expect(fail(lie).nextRetryDelay).toBeUndefined();
  expect(fail(missing).nonRetryable).toBe(true);
  expect(fail(on(lie, {})).nextRetryDelay).toBeUndefined();
});

it('does not let one node spend the budget while another was not tried', () => {
  const counts = { NODE_LIED: 40 };
  expect(fail(on(lie, { well: true, untried: true }), counts).nonRetryable).toBe(false);
  const others = { failed: [{ node: 'http://b', code: 'NODE_LIED', lie: true, why: 'it too' }] };
  const failure = fail(on(lie, others), counts);
  expect(failure).toMatchObject({ nonRetryable: true, type: 'NODE_LIED' });
  expect(failure.message).toBe('http://a: it fails its proof (42 times); http://b: it too');
  expect(failure.details).toMatchObject([{ lies: [{ node: 'http://a', why: 'x', at: 1 }] }]);
});

describe('all nodes together fail with', () => {
  it.each([
    ['NODE_PRUNED', 'NODE_PRUNED', 'NODE_PRUNED'],
    ['NODE_PRUNED', 'NODE_BEHIND', 'NODE_BEHIND'],
    ['NODE_BEHIND', 'NODE_PRUNED', 'NODE_BEHIND'],
    ['NODE_PRUNED', 'NODE_UNREACHABLE', 'NODE_UNREACHABLE'],
    ['NODE_LIED', 'NODE_PRUNED', 'NODE_LIED'],
  ])('%s and %s: %s', (own, other, together) => {
    const failed = [{ node: 'http://b', code: other, lie: false, why: 'x' }];
    const error = on(new BackupError(own as BackupErrorCode, 'x', true), { failed });
    expect(fail(error, { [own]: 4 }).type).toBe(together);
  });
});

describe('an outage', () => {
  const away = new StorageError('STORAGE_MISSING', 'x', 'it is not there', true);
  const refused = new NodeError('NODE_UNREACHABLE', 'http://a/x', 'refused', true, undefined);
  const seconds: Record<string, number> = { '15 seconds': 15, '1 minute': 60 };

  it.each([
    ['the storage, for a range', away, RANGE_BUDGETS, rangeOptions, 600],
    ['the storage, for a plan or a commit', away, CONTROL_BUDGETS, controlOptions, 600],
    ['the node, for a range', refused, RANGE_BUDGETS, rangeOptions, 300],
    ['the node, for a plan or a commit', refused, CONTROL_BUDGETS, controlOptions, 60],
  ] as const)(
    'of %s is waited out; one that is longer may still pass',
    (_, error, budgets, options, least) => {
      const longest = seconds[String(options.retry?.maximumInterval)]!;
      const counts: FailureCounts = {};
      let waited = 0;
      for (let wait = 1; ; wait = Math.min(wait * 2, longest)) {
        const failure = toFailure(error, counts, budgets);
        // A backup that may wait is blocked then, and tries again by itself.
        expect(failure.details).toEqual([{ mayPass: true }]);
        if (failure.nonRetryable) break;
        waited += wait;
      }
      expect(waited).toBeGreaterThan(least);
    },
  );

  it('is none when the node lies', () => {
    expect(toFailure(lie, {}, CONTROL_BUDGETS).details).toEqual([{ mayPass: false }]);
  });
});
