/** What fails in an awaited workflow, and how often whoever waits is told. */
import { expect, it, onTestFinished } from 'vitest';
import {
  type FailingWork,
  ToldReasons,
  describeFailing,
  failingWork,
} from '../../src/client/failing-work.js';
import { startDrill } from '../../src/client/start-drill.js';
import { failureOf } from '../../src/contract/failure.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';

it('the failure of a child is found, with its code', async () => {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const { client } = session;
  const activities = {
    planDrill: () =>
      Promise.resolve({
        plan: { firstVersion: '0', target: '9', tree: { version: '5' } },
        why: [],
      }),
    planVerification: () => Promise.reject(failureOf('NO_SPACE', '/backups is full')),
  };
  await withActivities(session, activities, async () => {
    const { handle } = await startDrill(client, { storage: { local_fs_dir: '/backups' } });
    const child = () => failingWork(client, handle.workflowId);
    await until('the child fails', async () => (await child()).length > 0);
    expect(await child()).toMatchObject([{ code: 'NO_SPACE', reason: '/backups is full' }]);
    await handle.terminate();
  });
});

const work = (reason: string, failed = 1, code: FailingWork['code'] = 'NO_SPACE') => ({
  ...{ failed, code, reason },
});

it('a reason is told once, again when it changes or comes back, and one for each kind', () => {
  const told = new ToldReasons();
  const full = work('/backups has 123 bytes free');
  expect(told.news([full, work('/backups has 99 bytes free')])).toEqual([full]);
  expect(told.news([work('/backups has 5 bytes free', 7)])).toEqual([]);
  const denied = work('/backups is read-only', 8, 'DENIED');
  expect(told.news([full, denied])).toEqual([denied]);
  const elsewhere = work('/other is full', 9);
  expect(told.news([elsewhere, denied])).toEqual([elsewhere]);
  expect(told.news([])).toEqual([]);
  expect(told.news([elsewhere])).toEqual([elsewhere]);
});

it('a worker that was told to stop is no news', () => {
  expect(new ToldReasons().news([work('its worker stops', 1, 'HANDED_BACK')])).toEqual([]);
});

it.each([
  [
    work('/backups is full'),
    /^an attempt failed, and the next one follows: \/backups is full \(NO_SPACE\)\. \w/,
  ],
  [
    { failed: 3, code: undefined, reason: 'gone' },
    /^3 attempts failed, .*: gone\. See the logs of the workers\.$/,
  ],
])('%o is told with what to do', (failing, expected) => {
  expect(describeFailing(failing)).toMatch(expected);
});
