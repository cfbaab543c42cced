/** A schedule of copies: what its runs get, and what it refuses. */
import { expect, it } from 'vitest';
import { scheduleOf } from '../../src/client/schedules.js';

const input = {
  node: 'http://localhost:6186',
  storage: { local_fs_dir: '/from' },
  trust_waypoints: [`0:${'ab'.repeat(32)}`],
};
const to = { local_fs_dir: '/to' };

it('each run copies the storage into the one that is given, with the same trust', () => {
  const { action } = scheduleOf('copy', { ...input, to });
  const { storage: from, trust_waypoints } = input;
  expect(action).toMatchObject({ workflowType: 'copyBackups' });
  expect(action.args).toEqual([{ from, to, trust_waypoints, network: undefined }]);
});

it('a schedule of copies needs a target, and no other kind takes one', () => {
  expect(() => scheduleOf('copy', input)).toThrow('needs the storage to copy to: --to URL');
  expect(() => scheduleOf('verify', { ...input, to })).toThrow(
    'only a schedule of kind copy takes a storage to copy to',
  );
});
