/** Attempts pass on progress, failures and deaths of their workers. */
import type { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import {
  CONTROL_BUDGETS,
  type FailureCounts,
  MOST_DEATHS,
  RANGE_BUDGETS,
} from '../../src/activities/activity-failure.js';
import { currentHeart, withHeartbeat } from '../../src/activities/heartbeat.js';
import { NodeError } from '../../src/node/node-error.js';

it('an attempt whose process stood still for as long as its timeout gives up', async () => {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 200 });
  const told: unknown[] = [];
  environment.on('heartbeat', (details) => told.push(details));
  const attempt = environment.run(() =>
    withHeartbeat(CONTROL_BUDGETS, () => {
      const { signal, beat } = currentHeart();
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

const stalled = new NodeError('NODE_STALLED', 'http://a/x', 'no byte', undefined);

/** The failure of an attempt that got so far after others, and what it leaves for the next one. */
async function attemptReaching(measure: number, attempt: number, earlier: object) {
  const environment = new MockActivityEnvironment({ attempt, heartbeatDetails: earlier });
  const told: unknown[] = [];
  environment.on('heartbeat', (details) => told.push(details));
  const run = environment.run(() =>
    withHeartbeat(
      RANGE_BUDGETS,
      () => {
        currentHeart().reached(measure);
        return Promise.reject(stalled);
      },
      { most: MOST_DEATHS },
    ),
  );
  const failure = await run.catch((error: unknown) => error as ApplicationFailure);
  return { failure, left: told.at(-1) };
}

it('an attempt that got further than all before it has budget and back-off from the start', async () => {
  const earlier = { failures: { NODE_STALLED: 11, NODE_LIED: 4, WORKER_DIED: 2 }, reached: 100 };
  const { failure, left } = await attemptReaching(200, 18, earlier);
  expect(failure).toMatchObject({ type: 'NODE_STALLED', nonRetryable: false });
  expect(failure).toMatchObject({ nextRetryDelay: 1_000 });
  const failures = { NODE_STALLED: 1, WORKER_DIED: 2 };
  expect(left).toEqual({ failures, forgotten: 15, reached: 200, rests: [], lies: [] });

  const next = await attemptReaching(200, 19, left as object);
  expect(next.failure).toMatchObject({ nonRetryable: false, nextRetryDelay: 2_000 });
});

it('an attempt that got no further spends the budget', async () => {
  const earlier = { failures: { NODE_STALLED: 11 }, reached: 100 };
  const { failure } = await attemptReaching(100, 12, earlier);
  expect(failure).toMatchObject({ type: 'NODE_STALLED', nonRetryable: true });
  expect((failure as ApplicationFailure).message).toMatch(/\(12 times\)$/);
});

it.each<[number, FailureCounts, string, number?]>([
  [4, { WORKER_DIED: 2, NODE_STALLED: 1 }, 'goes on'],
  [4, { WORKER_DIED: 3 }, 'KILLS_ITS_WORKER'],
  [4, { WORKER_DIED: 2, STRAY_ERROR: 1 }, 'KILLS_ITS_WORKER'],
  // The server was away, or the host slept: nobody saw a worker die.
  [4, {}, 'goes on'],
  [6, {}, 'goes on'],
  [7, {}, 'KILLS_ITS_WORKER'],
  [5, { WORKER_DIED: 2 }, 'KILLS_ITS_WORKER'],
  // Failures that no longer count were no deaths.
  [40, {}, 'goes on', 39],
  [42, { WORKER_DIED: 2, NODE_STALLED: 1 }, 'goes on', 38],
  [43, { WORKER_DIED: 3 }, 'KILLS_ITS_WORKER', 39],
  [46, {}, 'KILLS_ITS_WORKER', 39],
])('attempt %i after %o %s', async (attempt, failures, outcome, forgotten = 0) => {
  const environment = new MockActivityEnvironment({
    attempt,
    heartbeatDetails: { failures, forgotten },
    taskQueue: 'aptos-backup-chunks',
  });
  const run = environment.run(() =>
    withHeartbeat(CONTROL_BUDGETS, () => Promise.resolve('goes on'), { most: MOST_DEATHS }),
  );
  expect(await run.catch((error: unknown) => (error as ApplicationFailure).type)).toBe(outcome);
});
