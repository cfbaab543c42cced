/** A failure in a few words: its code and its first sentence. */
import { expect, it } from 'vitest';
import { withStored } from '../../src/client/last-verification.js';
import { inShort } from '../../src/client/why-failed.js';
import { failureOf } from '../../src/contract/failure.js';
import { describeStatus } from '../../src/cli/status-board.js';
import { healthOf, DEFAULT_LIMITS } from '../../src/monitor/health.js';
import { NOW, ago, liveStatus } from '../support/status.js';

const MISSING = 'the folder /backups is missing. Mount it, or correct the path.';

it('a failure is told by its code and its first sentence', () => {
  expect(inShort(failureOf('STORAGE_MISSING', MISSING))).toBe(
    'STORAGE_MISSING: the folder /backups is missing.',
  );
  expect(inShort(new Error('v1.2 is away: 3.5 s'))).toBe('v1.2 is away: 3.5 s');
});

it('why the last verification failed is told wherever its failure is, as long as it is the last', () => {
  const failed = { running: false, failed_at: ago(60), failed_why: 'STORAGE_MISSING: it is gone' };
  const status = liveStatus({}, { verification: failed });
  const [line] = describeStatus(status, NOW).filter((one) => one.startsWith('  verified'));
  expect(line).toBe(
    `  verified        not yet, failed at ${ago(60)} (STORAGE_MISSING: it is gone)`,
  );
  expect(healthOf(status, DEFAULT_LIMITS, NOW).reasons).toMatchObject([
    {
      code: 'VERIFICATION_FAILED',
      what: expect.stringMatching(/\(STORAGE_MISSING: it is gone\)$/) as string,
    },
  ]);
  expect(withStored(failed, { failed: NOW - 90_000 })).toEqual(failed);
  // Another server ran one that failed later, and only it knows why.
  expect(withStored(failed, { failed: NOW - 10_000 })).toEqual({
    running: false,
    failed_at: ago(10),
  });
});
