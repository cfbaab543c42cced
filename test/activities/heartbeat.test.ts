/** What attempts tell each other, and from when on their worker is taken to die of them. */
import type { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { CONTROL_BUDGETS, MOST_DEATHS } from '../../src/activities/failures.js';
import { withHeartbeat } from '../../src/activities/heartbeat.js';

it('an attempt whose process stood still for as long as its timeout gives up', async () => {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 200 });
  const told: unknown[] = [];
  environment.on('heartbeat', (details) => told.push(details));
  const attempt = environment.run(() =>
    withHeartbeat(CONTROL_BUDGETS, ({ signal, beat }) => {
      beat({ phase: 'before' });
      expect(signal.aborted).toBe(false);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      beat({ phase: 'after' });
      signal.throwIfAborted();
      return Promise.resolve('done');
    }),
  );
  await expect(attempt).rejects.toMatchObject({ type: 'STOOD_STILL', nonRetryable: false });
  expect(told.at(-1)).toMatchObject({ failures: { STOOD_STILL: 1 } });
});

it.each([
  [4, { WORKER_DIED: 2, NODE_STALLED: 1 }, 'goes on'],
  [4, { WORKER_DIED: 3 }, 'KILLS_ITS_WORKER'],
  [4, { WORKER_DIED: 2, STRAY_ERROR: 1 }, 'KILLS_ITS_WORKER'],
  // A server that was away, a host that slept: nobody saw a worker die.
  [4, {}, 'goes on'],
  [6, {}, 'goes on'],
  [7, {}, 'KILLS_ITS_WORKER'],
  [5, { WORKER_DIED: 2 }, 'KILLS_ITS_WORKER'],
] as const)('attempt %i after %o %s', async (attempt, failures, outcome) => {
  const environment = new MockActivityEnvironment({
    attempt,
    heartbeatDetails: { failures },
    taskQueue: 'aptos-backup-chunks',
  });
  const run = environment.run(() =>
    withHeartbeat(CONTROL_BUDGETS, () => Promise.resolve('goes on'), { most: MOST_DEATHS }),
  );
  expect(await run.catch((error: unknown) => (error as ApplicationFailure).type)).toBe(outcome);
});
