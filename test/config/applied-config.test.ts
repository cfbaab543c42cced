/** Values of the file become values of flags: a flag comes before the environment, that before the file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Sourced, configOf, sourcesOf } from '../../src/cli/applied-config.js';
import { type CoordinatorFlags, coordinatorInput, givenInput } from '../../src/cli/options.js';
import { parseConfig } from '../../src/config/read-config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { parseCoordinatorInput } from '../../src/contract/coordinator-input.js';
import { storageFolder } from '../support/backup.js';
import { commandWith } from '../support/config-command.js';

afterEach(() => vi.unstubAllEnvs());

const FILE = `nodes: [http://a:1, http://b:1]
storage: backups
limits: { concurrency: 8 }
retention: { keep_last: 3, grace: 9d }
data_dir: data
log_format: json
workers: { chunk_workers: 3 }
trust_waypoints: ["0:${'ab'.repeat(32)}"]
`;

function configFile(text = FILE): string {
  const file = join(storageFolder(), 'c.yaml');
  writeFileSync(file, text);
  return file;
}

const sourceOf = (command: Command, name: string): Sourced =>
  sourcesOf(command).find((one) => one.name === name)!;

it('a setting comes from the flag, else from the environment, else from the file, else it is the default', async () => {
  const file = configFile();
  vi.stubEnv('APTOS_BACKUP_CHUNK_WORKERS', '5');
  vi.stubEnv('APTOS_BACKUP_LOG_FORMAT', 'text');
  const command = await commandWith(['--config', file, '--concurrent-data-requests', '2']);
  expect(command.opts()).toMatchObject({
    concurrentDataRequests: '2',
    logFormat: 'text',
    backupServiceAddress: ['http://a:1', 'http://b:1'],
    localFsDir: join(file, '../backups'),
    dataDir: join(file, '../data'),
    keepLast: '3',
    trustWaypoint: [`0:${'ab'.repeat(32)}`],
  });
  expect(command.opts()).not.toHaveProperty('chunkWorkers');
  const of = (name: string) => sourceOf(command, name);
  expect(of('limits.concurrency')).toMatchObject({
    ...{ value: '2', source: 'flag', from: '--concurrent-data-requests' },
  });
  expect(of('workers.chunk_workers')).toMatchObject({
    ...{ value: '5', source: 'environment', from: 'APTOS_BACKUP_CHUNK_WORKERS' },
  });
  expect(of('nodes')).toMatchObject({
    ...{ value: 'http://a:1, http://b:1', source: 'file', from: `${file}:1` },
  });
  expect(of('limits.max_chunk_size')).toEqual({
    ...{ name: 'limits.max_chunk_size', value: '134217728', source: 'default' },
  });
});

it('the environment names the file, too, and without a file nothing changes', async () => {
  vi.stubEnv('APTOS_BACKUP_CONFIG', configFile());
  expect((await commandWith([])).opts()).toMatchObject({ concurrentDataRequests: '8' });
  vi.stubEnv('APTOS_BACKUP_CONFIG', '');
  const command = await commandWith([]);
  expect(configOf(command)).toBeUndefined();
  expect(command.opts()).not.toHaveProperty('concurrentDataRequests');
});

it('a storage that is typed in any way takes the place of that of the file', async () => {
  const command = await commandWith(['--config', configFile(), '--storage', 's3://bucket/x']);
  expect(command.opts()).toMatchObject({ storage: 's3://bucket/x' });
  expect(command.opts()).not.toHaveProperty('localFsDir');
});

it('keep rules that are typed hold without those of the file', async () => {
  const typed = ['--config', configFile(), '--keep-weekly', '2w'];
  const command = await commandWith(typed);
  expect(command.opts()).toMatchObject({ keepWeekly: '2w', grace: '9d' });
  expect(command.opts()).not.toHaveProperty('keepLast');
  const shown = (name: string) => sourceOf(command, `retention.${name}`);
  expect(shown('keep_weekly')).toMatchObject({ value: '2w', source: 'flag' });
  expect(shown('keep_last')).toMatchObject({ value: 'none', source: 'default' });
  expect(shown('grace')).toMatchObject({ value: '9d', source: 'file' });
});

it('keep rules go to the schedule of a prune, and to no other', async () => {
  const config = ['--config', configFile()];
  expect((await commandWith(['prune', ...config], 'create')).opts()).toMatchObject({ grace: '9d' });
  for (const flags of [
    (await commandWith(['verify', ...config], 'create')).opts(),
    (await commandWith(config, 'gc')).opts(),
  ]) {
    expect(flags).not.toHaveProperty('keepLast');
    expect(flags).not.toHaveProperty('grace');
  }
});

it('a copy is ended by a flag although the file has its place and its limits', async () => {
  const file = configFile(
    'storage: /b\ncopy: { to: /c, bytes_per_second: 5, requests_per_second: 6 }\n',
  );
  const command = await commandWith(['--config', file, '--copy-to', 'none']);
  const flags = command.opts<CoordinatorFlags>();
  const input = coordinatorInput(flags);
  expect(parseCoordinatorInput(input)).not.toHaveProperty('copyTo');
  expect(givenInput(input, flags)).toMatchObject({
    ...{ copy_to: null, copy_bytes_per_second: null, copy_requests_per_second: null },
  });
});

it('what a newer file does not name is the default again, and what was typed stays', async () => {
  const command = await commandWith(['--config', configFile(), '--network', 'mainnet']);
  const applied = configOf(command)!;
  applied.use(parseConfig(applied.config.file, 'storage: s3://bucket/x\nnetwork: testnet\n'));
  expect(command.opts()).toMatchObject({
    ...{ storage: 's3://bucket/x', network: 'mainnet', trustWaypoint: [] },
  });
  for (const name of ['localFsDir', 'concurrentDataRequests', 'backupServiceAddress']) {
    expect(command.opts()[name]).toBeUndefined();
  }
});

describe('a webhook', () => {
  const file = () =>
    configFile(`storage: /b
notifications:
  webhook_file: hook
  webhook_headers_file: headers
  command: [/bin/page, --now]
  after: 90
`);

  it('is in a file beside the configuration', async () => {
    const config = file();
    const command = await commandWith(['--config', config]);
    expect(command.opts()).toMatchObject({
      notifyWebhookFile: join(config, '../hook'),
      notifyWebhookHeadersFile: join(config, '../headers'),
      notifyCommand: ['/bin/page', '--now'],
      notifyAfter: '90',
    });
  });

  it.each([
    ['flag', '--notify-webhook', ['--notify-webhook', 'https://other/x'], {}],
    [
      ...(['environment', 'APTOS_BACKUP_NOTIFY_WEBHOOK', []] as const),
      { APTOS_BACKUP_NOTIFY_WEBHOOK: 'https://other/x' },
    ],
  ])('that a %s names gets nothing of that of the file', async (source, from, args, env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const command = await commandWith(['--config', file(), ...args]);
    expect(command.opts()).not.toHaveProperty('notifyWebhookFile');
    expect(command.opts()).not.toHaveProperty('notifyWebhookHeadersFile');
    expect(command.opts()).toHaveProperty('notifyCommand');
    expect(sourceOf(command, 'notifications.webhook_file')).toMatchObject({
      ...{ value: 'given in another way', source, from },
    });
    expect(sourceOf(command, 'notifications.webhook_headers_file')).toMatchObject({
      ...{ value: 'none', source, from },
    });
  });
});

it('a token in the environment is not shown', async () => {
  vi.stubEnv('APTOS_BACKUP_PAGE_TOKEN', 'hunter22hunter22');
  const command = await commandWith([]);
  expect(sourceOf(command, 'page.token_file')).toMatchObject({ value: 'a token' });
});

it('each setting is a flag of the commands', async () => {
  const command = await commandWith([]);
  const flags = command.options.map((option) => option.attributeName());
  expect(SETTINGS.filter(({ flag }) => !flags.includes(flag))).toEqual([]);
});
