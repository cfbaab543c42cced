/** The error of an attempt becomes a failure, which decides about the next attempt. */
import { DefaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import {
  CONTROL_BUDGETS,
  type FailureCounts,
  FailedOnNode,
  type OtherNodes,
  RANGE_BUDGETS,
  toFailure,
} from '../../src/activities/activity-failure.js';
import type { BackupErrorCode, ErrorCode } from '../../src/errors/catalogue.js';
import { BackupError } from '../../src/errors/backup-error.js';
import { NodeError } from '../../src/node/node-error.js';
import { StorageError } from '../../src/storage/storage-error.js';
import { controlOptions, rangeOptions } from '../../src/workflows/activity-options.js';

const lie = new BackupError('NODE_LIED', 'it fails its proof');
const missing = new NodeError('NODE_REFUSED', 'http://a/x', 'status 404', undefined);
const on = (error: Error, others: Partial<OtherNodes>) =>
  new FailedOnNode(error, 'http://a', { well: false, untried: false, failed: [], ...others });
const fail = (error: Error, counts: FailureCounts = {}) =>
  toFailure(error, counts, RANGE_BUDGETS, [{ node: 'http://a', why: 'x', at: 1 }]);

it('an activity goes to another node at once, whatever the first node did', () => {
  for (const error of [lie, missing]) {
    const failure = fail(on(error, { well: true, untried: true }));
    expect(failure).toMatchObject({ nonRetryable: false, nextRetryDelay: 250 });
    expect(failure.message).toMatch(/^http:\/\/a/);
  }
  expect(fail(lie).nextRetryDelay).toBeUndefined();
  expect(fail(missing).nonRetryable).toBe(true);
  expect(fail(on(lie, {})).nextRetryDelay).toBeUndefined();
});

it('one node cannot spend the budget while another node is untried', () => {
  const counts = { NODE_LIED: 40 };
  expect(fail(on(lie, { well: true, untried: true }), counts).nonRetryable).toBe(false);
  const others = {
    failed: [{ node: 'http://b', code: 'NODE_LIED' as const, lie: true, why: 'it too' }],
  };
  const failure = fail(on(lie, others), counts);
  expect(failure).toMatchObject({ nonRetryable: true, type: 'NODE_LIED' });
  expect(failure.message).toBe('http://a: it fails its proof (42 times); http://b: it too');
  expect(failure.details).toMatchObject([{ lies: [{ node: 'http://a', why: 'x', at: 1 }] }]);
});

describe('when all nodes fail,', () => {
  it.each<[BackupErrorCode, ErrorCode, ErrorCode]>([
    ['NODE_PRUNED', 'NODE_PRUNED', 'NODE_PRUNED'],
    ['NODE_PRUNED', 'NODE_BEHIND', 'NODE_BEHIND'],
    ['NODE_BEHIND', 'NODE_PRUNED', 'NODE_BEHIND'],
    ['NODE_PRUNED', 'NODE_UNREACHABLE', 'NODE_UNREACHABLE'],
    ['NODE_LIED', 'NODE_PRUNED', 'NODE_LIED'],
  ])('the failures %s and %s count as %s', (own, other, together) => {
    const failed = [{ node: 'http://b', code: other, lie: false, why: 'x' }];
    const error = on(new BackupError(own, 'x'), { failed });
    expect(fail(error, { [own]: 4 }).type).toBe(together);
  });
});

it('an unknown form is requested three times, because damage on the way does not repeat', () => {
  const counts: FailureCounts = {};
  const unknown = new BackupError('UNSUPPORTED', 'version 7: variant 2 of X is not known');
  const final = [1, 2, 3].map(() => toFailure(unknown, counts, RANGE_BUDGETS));
  expect(final.map(({ nonRetryable }) => nonRetryable)).toEqual([false, false, true]);
  expect(final[2]).toMatchObject({ type: 'UNSUPPORTED', details: [{ mayPass: false }] });
});

describe('an outage', () => {
  const away = new StorageError('FOLDER_GONE', 'x', 'it is not there');
  const refused = new NodeError('NODE_UNREACHABLE', 'http://a/x', 'refused', undefined);
  const seconds: Record<string, number> = { '15 seconds': 15, '1 minute': 60 };

  it.each([
    ['the storage, for a range', away, RANGE_BUDGETS, rangeOptions, 600],
    ['the storage, for a plan or a commit', away, CONTROL_BUDGETS, controlOptions, 600],
    ['the node, for a range', refused, RANGE_BUDGETS, rangeOptions, 300],
    ['the node, for a plan or a commit', refused, CONTROL_BUDGETS, controlOptions, 60],
  ] as const)(
    'of %s is waited for, and the failure after a longer one may still pass',
    (_, error, budgets, options, least) => {
      const longest = seconds[String(options.retry?.maximumInterval)]!;
      const counts: FailureCounts = {};
      let waited = 0;
      for (let wait = 1; ; wait = Math.min(wait * 2, longest)) {
        const failure = toFailure(error, counts, budgets);
        // A backup that may wait is then blocked, and tries again by itself.
        expect(failure.details).toEqual([{ mayPass: true }]);
        if (failure.nonRetryable) break;
        waited += wait;
      }
      expect(waited).toBeGreaterThan(least);
    },
  );

  it('does not include data that fails its proof', () => {
    expect(toFailure(lie, {}, CONTROL_BUDGETS).details).toEqual([{ mayPass: false }]);
  });
});

it('a failure is small enough for the server to keep, however long its texts are', () => {
  const long = 'ü'.repeat(20_000);
  const cause = new Error(long);
  const error = new StorageError('STORAGE_FAILED', long, long, { cause });
  const lies = Array.from({ length: 16 }, (_, i) => ({
    node: `http://node-${i}`,
    why: long,
    at: i,
  }));
  const failure = toFailure(error, {}, RANGE_BUDGETS, lies);
  expect(failure.nonRetryable).toBe(false);
  const sent = new DefaultFailureConverter().errorToFailure(failure, defaultPayloadConverter);
  const { message, stackTrace, cause: inner, applicationFailureInfo } = sent;
  const details = applicationFailureInfo?.details?.payloads ?? [];
  const texts = [message, stackTrace, ...details.map(({ data }) => data)];
  const bytes = texts.reduce((sum, text) => sum + Buffer.from(text ?? '').length, 0);
  expect(inner).toBeFalsy();
  expect(bytes).toBeLessThan(3500); // of 4096, with what is around them
});
