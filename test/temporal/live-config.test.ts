/**
 * A configuration that is followed, on a real server: what can be applied is applied, and what cannot is told for as
 * long as it lasts. Schedules of a storage that the file no longer names are removed, and nobody else's.
 */
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { configOf } from '../../src/cli/applied-config.js';
import { LiveConfig } from '../../src/cli/live-config.js';
import { declareSchedules } from '../../src/client/declared-schedules.js';
import {
  createSchedule,
  deleteSchedule,
  listSchedules,
  scheduleIdOf,
} from '../../src/client/schedules.js';
import { storedSchedule } from '../../src/client/stored-schedule.js';
import { commandWith } from '../support/config-command.js';
import { startTemporal } from '../support/temporal.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

/** No coordinator has it: each change of the settings fails. */
const NOBODY = 'aptos-backup/nobody/coordinator';

function folder(): string {
  const own = temporaryFolder('live-config');
  onTestFinished(() => rmSync(own, { recursive: true, force: true }));
  return own;
}

/** A file, and what follows it as a start with these flags does. */
function configFile(place: string, name = 'c.yaml') {
  const file = join(place, name);
  return {
    write: (...lines: string[]) => writeFileSync(file, [...lines, ''].join('\n')),
    follow: async (...flags: string[]) => {
      const live = new LiveConfig(configOf(await commandWith(['--config', file, ...flags]))!);
      return { health: live.health, begun: () => live.begun(), look: () => looked(live) };
    },
  };
}

const looked = (live: LiveConfig) => live.look(session.client, NOBODY);
const of = (dir: string) => ({ local_fs_dir: dir });
const input = (dir: string) => ({ node: 'http://localhost:6186', storage: of(dir) });

/** The kinds of the schedules of a folder, once the server lists them all: its list is a moment late. */
async function kindsOf(dir: string): Promise<string[]> {
  const prefix = scheduleIdOf(of(dir), '');
  const ids = (await listSchedules(session.client)).map(({ id }) => id);
  return ids.filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length));
}
const untilKinds = (dir: string, ...kinds: string[]) =>
  until(`${dir} has ${kinds.join(', ')}`, async () => (await kindsOf(dir)).join() === kinds.join());

/** Keeps what is written to stderr until the end of the test, and gives it as it is by then. */
function stderrOfTest(): () => string {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => stderr.mockRestore());
  return () => stderr.mock.calls.map(([text]) => String(text)).join('');
}

it('what cannot be applied holds up nothing else, and is told until it is over', async () => {
  const told = stderrOfTest();
  const file = configFile(folder());
  const schedules = (to: string) =>
    `schedules: [{ kind: verify }, { kind: copy, to: ${to} }, { kind: gc }, { kind: compact }]`;
  file.write(schedules('/live/own'));
  await createSchedule(session.client, 'compact', input('/live/own'));
  const live = await file.follow('--local-fs-dir', '/live/own');
  const reasons = () => live.health.health().reasons.map(({ code, what }) => [code, what]);
  const metric = async () =>
    /^aptos_backup_config_not_applied (\d+)$/m.exec((await live.health.metrics()).text)?.[1];
  await live.look();
  await untilKinds('/live/own', 'compact', 'gc', 'verify');
  const copyFails = expect.stringMatching(
    /c\.yaml: schedule copy is not applied yet: from names the storage that gets the copy, too: \/live\/own$/,
  ) as unknown;
  const byHand = expect.stringMatching(/schedule\/compact was made by hand and stays/) as unknown;
  expect(reasons()).toEqual([
    ['CONFIG_NOT_APPLIED_copy', copyFails],
    ['CONFIG_NOT_APPLIED_compact', byHand],
  ]);
  expect(await metric()).toBe('2');
  await live.look();
  expect(told().split('schedule copy is not applied yet')).toHaveLength(2);

  // A change that is refused, together with one that is not; and somebody deletes what was made by hand.
  await deleteSchedule(session.client, scheduleIdOf(of('/live/own'), 'compact'));
  file.write('limits: { concurrency: 7 }', schedules('/live/copy'));
  await live.look();
  await untilKinds('/live/own', 'compact', 'copy', 'gc', 'verify');
  expect(told()).toMatch(/c\.yaml: schedule copy is applied now$/m);
  expect(told()).toMatch(/c\.yaml: schedule compact is applied now$/m);
  const refused = expect.stringMatching(
    /the settings are not applied yet: .* has ended/,
  ) as unknown;
  expect(reasons()).toEqual([['CONFIG_NOT_APPLIED_settings', refused]]);
  live.begun();
  await live.look();
  expect([reasons(), await metric()]).toEqual([[], '0']);
});

it('schedules of a storage that the file no longer names are removed, and those of others stay', async () => {
  const [place, elsewhere] = [folder(), folder()];
  const [file, other] = [configFile(place), configFile(place, 'other.yaml')];
  const data = ['--data-dir', join(place, 'data')];
  const rules = ['retention: { keep_last: 2 }', 'schedules: [{ kind: verify }, { kind: prune }]'];
  const start = async (one: typeof file, flags: string[], ...lines: string[]) => {
    one.write(...lines);
    const live = await one.follow(...flags);
    await live.look();
    expect(live.health.health().reasons).toEqual([]);
  };
  await start(file, data, 'storage: /former/a', ...rules);
  await start(other, data, 'storage: /former/other', ...rules);
  await createSchedule(session.client, 'gc', input('/former/a'));
  // As a release before made it: nobody knows by which file.
  const declared = [{ kind: 'verify', input: input('/former/old') }];
  await declareSchedules(session.client, of('/former/old'), { declared });
  await untilKinds('/former/a', 'gc', 'prune', 'verify');
  await untilKinds('/former/other', 'prune', 'verify');
  await untilKinds('/former/old', 'verify');

  // A flag names another storage, as for a second process with the same file: it is not the file that changed.
  await start(file, [...data, '--local-fs-dir', '/former/flag'], 'storage: /former/a', ...rules);
  await untilKinds('/former/flag', 'prune', 'verify');
  await untilKinds('/former/a', 'gc', 'prune', 'verify');

  await start(file, data, 'storage: /former/b', ...rules);
  await untilKinds('/former/a', 'gc');
  await untilKinds('/former/b', 'prune', 'verify');
  // Another data folder is that of another host, where a file may have the same path.
  await start(file, ['--data-dir', elsewhere], 'storage: /former/c', ...rules);
  await untilKinds('/former/c', 'prune', 'verify');
  for (const dir of ['/former/b', '/former/other', '/former/flag']) {
    expect(await kindsOf(dir), dir).toEqual(['prune', 'verify']);
  }

  // What has no mark gets one when a file declares it again, and then it goes with its storage.
  await start(file, data, 'storage: /former/old', 'schedules: [{ kind: verify }]');
  await untilKinds('/former/b');
  await start(file, data, 'storage: /former/d', 'schedules: [{ kind: verify }]');
  await untilKinds('/former/d', 'verify');
  await untilKinds('/former/old');
});

it('of a file that names another storage nothing is taken over: its keep rules and its copy are for that one', async () => {
  const told = stderrOfTest();
  const place = folder();
  const file = configFile(place);
  const rules = (last: number) => [
    `retention: { keep_last: ${last} }`,
    'schedules: [{ kind: prune }]',
  ];
  const kept = async () => {
    const found = await storedSchedule(session.client, scheduleIdOf(of('/live/first'), 'prune'));
    return (found?.input as { keep_last: string }).keep_last;
  };
  file.write('storage: /live/first', ...rules(9));
  const live = await file.follow('--data-dir', join(place, 'data'));
  await live.look();
  expect(await kept()).toBe('9');
  file.write('storage: /live/second', 'copy: { to: /live/copy }', ...rules(1));
  await live.look();
  expect(told()).toMatch(/c\.yaml names another storage: .* goes on with \/live\/first and /);
  expect(await kept()).toBe('9');
  expect(live.health.health().reasons).toEqual([]);
  file.write('storage: /live/first', ...rules(8));
  await live.look();
  expect(await kept()).toBe('8');
});

it('a file that is just being written is read when it is whole', async () => {
  const told = stderrOfTest();
  const place = folder();
  const file = configFile(place);
  const whole = ['network: testnet', 'schedules: [{ kind: verify }, { kind: gc }]'];
  file.write(...whole);
  const live = await file.follow('--local-fs-dir', '/live/written');
  await live.look();
  await untilKinds('/live/written', 'gc', 'verify');
  const halves = [
    () => file.write(), // an editor has emptied it
    () => file.write(whole[0]!), // that much of it is right by itself
    () => rmSync(join(place, 'c.yaml')),
  ];
  for (const half of halves) {
    half();
    const looking = live.look();
    file.write(...whole, '# once more');
    await looking;
    expect(told()).not.toMatch(/cannot be used|removed|has changed/);
  }
  await live.look();
  expect(told()).toMatch(/c\.yaml has changed$/m);
  await untilKinds('/live/written', 'gc', 'verify');
  expect(told()).not.toMatch(/cannot be used|removed/);
});

it('a file is read anew also when only its owner, mode or content has changed, and not its times', async () => {
  const told = stderrOfTest();
  const place = folder();
  const file = configFile(place);
  const write = (network: string) => {
    file.write(`network: custom:${network}`);
    utimesSync(join(place, 'c.yaml'), 1_000_000, 1_000_000);
  };
  write('a');
  const live = await file.follow('--local-fs-dir', '/live/times');
  await live.look();
  expect(told()).not.toMatch(/has changed/);
  write('b');
  await live.look();
  expect(told()).toMatch(/c\.yaml has changed$/m);
});
