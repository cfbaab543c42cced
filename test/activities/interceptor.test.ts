/** Every activity gets heartbeats, budgets and failures with a code from one interceptor, not from its body. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { CONTROL_BUDGETS, COORDINATOR_BUDGETS } from '../../src/activities/activity-failure.js';
import { currentHeart } from '../../src/activities/heartbeat.js';
import { carefulActivity } from '../../src/activities/interceptor.js';
import { StorageError } from '../../src/storage/storage-error.js';

function environment(activityType: string, heartbeatDetails?: object) {
  return new MockActivityEnvironment(
    { activityType, attempt: 1, heartbeatDetails },
    { interceptors: [carefulActivity] },
  );
}

const away = () => Promise.reject(new StorageError('STORAGE_FAILED', '', 'the disk is away'));

it('an activity beats before its body begins, and its body may beat too', async () => {
  const planUnit = environment('planUnit');
  const beats: unknown[] = [];
  planUnit.on('heartbeat', (details) => beats.push(details));
  await planUnit.run(() => {
    expect(beats).toHaveLength(1);
    currentHeart().beat({ phase: 'planning' });
    return Promise.resolve();
  });
  expect(beats.at(-1)).toMatchObject({ phase: 'planning' });
});

it('what an activity throws becomes a failure with its code, which may be tried again', async () => {
  await expect(environment('planUnit').run(away)).rejects.toMatchObject({
    type: 'STORAGE_FAILED',
    message: 'the disk is away',
    nonRetryable: false,
  });
});

it('each activity has its own budget', async () => {
  const failures = { failures: { STORAGE_FAILED: COORDINATOR_BUDGETS.storage - 1 } };
  expect(CONTROL_BUDGETS.storage).toBeGreaterThan(COORDINATOR_BUDGETS.storage);
  const ofUnit = environment('planUnit', failures).run(away);
  await expect(ofUnit).rejects.toMatchObject({ nonRetryable: false });
  const ofCoordinator = environment('surveyStorage', failures).run(away);
  await expect(ofCoordinator).rejects.toMatchObject({ nonRetryable: true });
});

it('an activity that takes no time has no heartbeat', async () => {
  const quick = environment('registeredAttributes');
  const beats: unknown[] = [];
  quick.on('heartbeat', (details) => beats.push(details));
  expect(await quick.run(() => Promise.resolve('done'))).toBe('done');
  expect(beats).toEqual([]);
});
