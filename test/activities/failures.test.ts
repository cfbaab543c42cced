/** How the error of an attempt becomes the failure that decides about the next one. */
import { describe, expect, it } from 'vitest';
import {
  type FailureCounts,
  FailedOnNode,
  type OtherNodes,
  RANGE_BUDGETS,
  toFailure,
} from '../../src/activities/failures.js';
import { BackupError, type BackupErrorCode } from '../../src/backup/errors.js';
import { NodeError } from '../../src/node/errors.js';

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
