/** `schedule create` never replaces a schedule without a word, and no schedule runs without a rest. */
import { expect, it, onTestFinished } from 'vitest';
import { declareSchedules } from '../../src/client/declared-schedules.js';
import { scheduleIdOf, scheduleOf } from '../../src/client/schedules.js';
import { openTemporal } from '../../src/temporal-server/open-temporal.js';
import { withoutServer } from '../../src/temporal-server/without-server.js';
import { storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';

it('a schedule that changes says what it was and what it is now, and whose it was', async () => {
  const folder = dataFolder();
  const env = withoutServer(process.env);
  const session = await openTemporal({ dataFolder: folder, say: () => undefined, env });
  onTestFinished(() => session.close());
  const storage = { local_fs_dir: storageFolder() };
  const input = { node: 'http://localhost:6186', storage };
  const id = scheduleIdOf(storage, 'verify');
  const declare = async (every: string, sample?: string) => {
    const own = sample === undefined ? input : { ...input, sample };
    const declared = [{ kind: 'verify', every, input: own }];
    const of = { declared, kinds: ['verify'] };
    return (await declareSchedules(session.client, storage, of)).map(({ what }) => what);
  };
  const create = async (...flags: string[]) => {
    const args = ['schedule', 'create', 'verify', '--local-fs-dir', storage.local_fs_dir];
    return (await runCli([...args, '--data-dir', folder, ...flags])).out;
  };

  expect(await declare('1h')).toEqual(['made']);
  expect(await declare('1h')).toEqual(['right']);
  expect(await declare('2h', '5%')).toEqual([
    'changed: every 1h -> 2h, sample none -> 5%, again none -> true',
  ]);

  const [changed, whose] = (await create('--every', '1d')).split('\n');
  expect(changed).toBe(
    `Schedule ${id} changed: --every 2h -> 1d, --sample 5% -> none, again true -> none`,
  );
  expect(whose).toMatch(/^The file of an up had made it\. .*schedule delete .*\/verify, then/);
  expect(await declare('2h')).toEqual(['by hand']);

  expect(await create('--every', '24h')).toBe(`Schedule ${id} is as it was before\n`);
  const again = JSON.parse(await create('--every', '90m', '--json')) as unknown;
  expect(again).toEqual({ id, every: '90m', changes: ['every 1d -> 90m'] });
  const list = await runCli(['schedule', 'list', '--data-dir', folder]);
  expect(list.out).toMatch(new RegExp(`^${id}  every 90m, next `));
});

it('a schedule that would run without a rest is refused, with the reason', () => {
  const input = { node: 'http://localhost:6186', storage: { local_fs_dir: '/backups' } };
  expect(() => scheduleOf('verify', input, '5s')).toThrow(
    /^--every must be 30s or more, not "5s": each run/,
  );
  expect(() => scheduleOf('verify', input, '30s')).not.toThrow();
});
