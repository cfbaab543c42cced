/** `up --config`: the file says what is followed and how, and what changes in it is taken over while it runs. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ListedSchedule, LiveStatus } from '../../src/contract/answers/shown-answers.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { until } from '../support/until.js';

interface Reasons {
  reasons: { code: string; what: string }[];
}

it('up takes its settings and schedules from a file, and takes over what changes in it', async () => {
  const node = await devnode({ startTime: 'now' });
  const [storage, folder] = [storageFolder(), dataFolder()];
  const file = join(folder, 'c.yaml');
  const common = [
    `nodes: ${node.address}`,
    `storage: ${storage}`,
    `trust_waypoints: ["${node.facts().genesis_waypoint}"]`,
    'data_dir: data',
    'page: { address: 0 }',
    `notifications: { command: [/bin/sh, -c, "cat >> ${join(folder, 'told')}"], after: 0 }`,
  ];
  const write = (...lines: string[]) => writeFileSync(file, [...common, ...lines, ''].join('\n'));
  const config = ['--config', file];
  const told = (...args: string[]) => runCli([...args, ...config], { APTOS_BACKUP_DATA_DIR: '' });
  const status = async () => JSON.parse((await told('status', '--json')).out) as LiveStatus;
  const kinds = async () =>
    (JSON.parse((await told('schedule', 'list', '--json')).out) as ListedSchedule[]).map(
      ({ id, every_ms: every }) => `${id.split('/').at(-1)} ${every! / 3_600_000}h`,
    );

  // The list lags behind.
  const lists = (...all: string[]) =>
    until(`the schedules are ${all.join()}`, async () => (await kinds()).join() === all.join());

  write('limits: { concurrency: 3 }', 'copy: { to: copy }', 'schedules:', '  - kind: verify');
  const up = startCli(['up', ...config], { APTOS_BACKUP_DATA_DIR: '' });
  await up.says(/^Schedule .*\/schedule\/verify made$/);
  await lists('verify 24h');
  await until('it keeps a copy', async () => (await status()).copy?.to === join(folder, 'copy'));
  expect(await status()).toMatchObject({ concurrency: 3 });
  const url = /http:\S+/.exec(up.lines.find((line) => line.startsWith('Health: '))!)![0];
  const invalid = async () =>
    /^aptos_backup_config_invalid (\d)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
  expect(await invalid()).toBe('0');

  // A schedule that people made is nobody else's.
  const byHand = await told('schedule', 'create', 'gc', '--every', '5d');
  expect(byHand.code).toBe(0);
  write('limits: { concurrency: 5 }', 'schedules:', '  - kind: compact', '  - kind: gc');
  await up.says(/^Settings changed: --concurrent-data-requests 3 -> 5, --copy-to .* -> nothing; /);
  await up.says(/^Schedule .*\/schedule\/gc was made by hand and stays as it is; .* delete it: /);
  await lists('compact 24h', 'gc 120h');
  expect(await status()).toMatchObject({ concurrency: 5 });
  await until('no copy is kept', async () => (await status()).copy === undefined);

  const open = async () => {
    const { reasons } = (await (await fetch(`${url}/healthz`)).json()) as Reasons;
    return reasons.find(({ code }) => code === 'CONFIG_NOT_APPLIED_gc')?.what ?? '';
  };
  await until('health names it', async () =>
    /\/schedule\/gc was made by hand and stays/.test(await open()),
  );

  // What is wrong changes nothing.
  write('limits: { concurrency: many }');
  await up.says(/c\.yaml, line 7, column 24: limits\.concurrency must be a whole number/);
  await up.says(/c\.yaml cannot be used; the settings before it stay$/);
  expect(await invalid()).toBe('1');
  const health = (await (await fetch(`${url}/healthz`)).json()) as Reasons;
  expect(health.reasons.map(({ what }) => what).join()).toContain('line 7, column 24');
  expect(await told('status')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/line 7, column 24: .*not "many"\n$/) as string,
  });
  await until(
    'the command of the file is told of it',
    () =>
      existsSync(join(folder, 'told')) &&
      readFileSync(join(folder, 'told'), 'utf8').includes('CONFIG_INVALID'),
  );
  write('limits: { concurrency: 6 }', 'workers: { chunk_workers: 2 }');
  await up.says(/^Settings changed: --concurrent-data-requests 5 -> 6; /);
  await up.says(/^workers\.chunk_workers: this process keeps what it has; start it again/);
  await lists('gc 120h');
  expect(await invalid()).toBe('0');
  await until('nothing of the file is open', async () => {
    const { reasons } = (await (await fetch(`${url}/healthz`)).json()) as Reasons;
    return !JSON.stringify(reasons).includes('CONFIG_');
  });

  const checked = await told('check');
  expect(checked).toMatchObject({ code: 0, err: '' });
  expect(checked.out).toMatch(/\n {2}node {7}http\S+ +yes {2}at version \d+, epoch \d+; genesis /);
  expect(checked.out).toMatch(/\n {2}storage {4}\S+ +yes {2}fit for backups; \d+ metadata files/);
  expect(checked.out).toMatch(/All of it works\.\n$/);
  expect(await up.stop()).toBe(0);
}, 600_000);

it('check tries all that a file names, and says what does not work and what to do', async () => {
  const [node, other] = [await devnode(), await devnode({ seed: 2 })];
  const [storage, folder] = [storageFolder(), dataFolder()];
  const file = join(folder, 'c.yaml');
  const gone = 'http://127.0.0.1:1';
  const waypoint = node.facts().genesis_waypoint;
  writeFileSync(
    file,
    [
      `nodes: [${node.address}, ${gone}, ${other.address}]`,
      `trust_waypoints: ["${waypoint}"]`,
      `storage: ${storage}`,
      'copy: { to: /proc/nothing }',
      'retention: { keep_last: 2 }',
      'schedules: [{ kind: verify, every: 2d }]',
      'page: { address: 127.0.0.1:0, token_file: token }',
      'notifications: { command: [no-such-program] }',
      'data_dir: data/in/here',
    ].join('\n'),
  );
  const env = { APTOS_BACKUP_DATA_DIR: '', TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const { code, out } = await runCli(['check', '--config', file, '--json'], env);
  const { works, rows } = JSON.parse(out) as {
    works: boolean;
    rows: { what: string; name: string; works: boolean; means: string }[];
  };
  expect({ code, works }).toEqual({ code: 1, works: false });
  expect(rows.map(({ what, name, works: does }) => [what, name, does])).toEqual([
    ['file', file, true],
    ['node', node.address, true],
    ['node', gone, false],
    ['node', other.address, false],
    ['storage', storage, true],
    ['copy.to', '/proc/nothing', false],
    ['schedule', 'verify', true],
    ['retention', 'keep rules', true],
    ['Temporal', '127.0.0.1:1', false],
    ['page', '127.0.0.1:0', true],
    ['page token', join(folder, 'token'), false],
    ['notify', 'no-such-program', false],
    ['data_dir', join(folder, 'data/in/here'), true],
  ]);
  const means = (at: number) => rows[at]!.means;
  expect(means(1)).toMatch(/^at version \d+, epoch \d+; genesis 0:[0-9a-f]{64}$/);
  expect(means(5)).toMatch(/^cannot write into the place: /);
  expect(means(8)).toMatch(/no Temporal server answers at 127\.0\.0\.1:1/);
  expect(readdirSync(storage)).toEqual([]);
  expect(readdirSync(folder)).toEqual(['c.yaml']);

  const shown = await runCli(['config', 'show', '--config', file, '--lanes'], env);
  expect(shown).toMatchObject({ code: 2, out: '' });
  const table = await runCli(['config', 'show', '--config', file], env);
  expect(table).toMatchObject({ code: 0, err: '' });
  expect(table.out).toMatch(new RegExp(`^storage +${storage} +file ${file}:3$`, 'm'));
  expect(table.out).toMatch(/^limits\.concurrency +4 +default$/m);
  expect(table.out).toMatch(/^schedules\.verify +every 2d +file \S+:6$/m);
});

it('what is wrong only together with flags is told before anything starts', async () => {
  const [storage, folder] = [storageFolder(), dataFolder()];
  const file = join(folder, 'c.yaml');
  writeFileSync(file, `storage: /b\nschedules: [{ kind: copy, to: ${storage} }]\ndata_dir: data\n`);
  const env = { APTOS_BACKUP_DATA_DIR: '' };
  const up = await runCli(['up', '--config', file, '--local-fs-dir', storage], env);
  expect(up).toMatchObject({ code: 2, out: '' });
  expect(up.err).toContain(
    `${file}, line 2: schedule copy: from names the storage that gets the copy, too: ${storage}\n`,
  );
  expect(readdirSync(folder)).toEqual(['c.yaml']);

  writeFileSync(file, `storage: ${storage}\ndata_dir: data\n`);
  const checked = await runCli(['check', '--config', file, '--copy-to', `${storage}/`], env);
  expect(checked.code).toBe(1);
  expect(checked.out).toMatch(/^ {2}copy\.to +\S+ +NO {3}it is the storage itself$/m);
});

it('a file that is wrong ends each command with all its mistakes and exit code 2', async () => {
  const file = join(dataFolder(), 'c.yaml');
  writeFileSync(file, 'storge: /b\nlimits: { concurrency: 0 }\n');
  for (const command of [['verify'], ['up'], ['config', 'show'], ['check']]) {
    const { code, out, err } = await runCli([...command, '--config', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.split('\n')).toEqual([
      expect.stringContaining(`${file}, line 1, column 1: unknown field "storge", did you mean`),
      expect.stringContaining(
        `${file}, line 2, column 24: limits.concurrency must be a whole number from 1 to 64, not 0`,
      ),
      '',
    ]);
  }
});

it('check tries what schedules name', async () => {
  const [storage, folder] = [storageFolder(), dataFolder()];
  const file = join(folder, 'c.yaml');
  const lines = [
    ...[`storage: ${storage}`, 'data_dir: data', 'schedules:'],
    ...['  - { kind: copy, to: /proc/nothing }'],
    ...['  - { kind: drill, stock_binary: /no/tool, scratch: /proc/nothing }', ''],
  ];
  writeFileSync(file, lines.join('\n'));
  const { code, out } = await runCli(['check', '--config', file], { APTOS_BACKUP_DATA_DIR: '' });
  expect(code).toBe(1);
  expect(out.match(/^ {2}(copies to|drill) .* NO /gm)).toHaveLength(3);
});
