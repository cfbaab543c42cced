import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { CONTROL_BUDGETS } from '../../src/activities/failures.js';
import { withHeartbeat } from '../../src/activities/heartbeat.js';

it('an attempt whose process stood still for as long as its timeout gives up, and that is no death', async () => {
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
