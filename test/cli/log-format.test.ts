/** What `up` logs when stderr is no terminal: a line with time and level for each event, or JSON. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { until } from '../support/until.js';

interface Entry {
  level: string;
  time: string;
  msg: string;
  event?: string;
  stream?: string;
}

it('up logs each event with time and level, or as JSON, in all its processes', async () => {
  const node = await devnode({ startTime: 'now' });
  const folder = storageFolder();
  const data = dataFolder();
  const flags = [
    ...['--backup-service-address', node.address, '--local-fs-dir', folder, '--data-dir', data],
    ...['--trust-waypoint', node.facts().genesis_waypoint, '--transaction-batch-size', '100'],
  ];
  const ignored = { TEMPORAL_ADDRESS: 'elsewhere:7233' };
  const json = startCli(['up', '--log-format', 'json', ...flags], ignored);
  await json.says(/^following: /);
  const all = () => json.raw.map((line) => JSON.parse(line) as Entry);
  const committed = () =>
    new Set(all().flatMap(({ event, stream }) => (event === 'commit' ? [stream] : [])));
  node.grow({ transactions: 130, epochs: 1 }); // what was stored before the first look is no event
  await until('a commit of each stream is told', () => committed().size === 3);
  const entries = all();
  expect(entries.every(({ level, time, msg }) => level && Date.parse(time) > 0 && msg)).toBe(true);
  expect(entries[0]).toMatchObject({
    level: 'warn',
    msg: expect.stringMatching(/ignores TEMPORAL_ADDRESS; .* aptos-backup continuously$/) as string,
  });
  expect(committed()).toEqual(new Set(['epoch_ending', 'state_snapshot', 'transaction']));
  const logs = join(data, 'logs');
  for (const file of readdirSync(logs).filter((name) => /^worker-(workflows|chunks)/.test(name))) {
    const lines = readFileSync(join(logs, file), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as Entry)).not.toEqual([]);
  }
  // A terminal that is closed ends it as SIGTERM does.
  json.child.kill('SIGHUP');
  expect(await json.ended).toBe(0);
  expect(json.lines.at(-1)).toBe('Stopped. The next start goes on from here.');

  const text = startCli(['up', ...flags]);
  await text.says(/^following: /);
  const { port } = JSON.parse(readFileSync(join(data, 'temporal', 'server.json'), 'utf8')) as {
    port: number;
  };
  expect(text.lines).toContain(
    `With the temporal CLI: TEMPORAL_ADDRESS=127.0.0.1:${port} temporal workflow list`,
  );
  process.kill(
    Number(/process (\d+)/.exec(text.lines.find((l) => /^Chunk/.test(l))!)![1]),
    'SIGKILL',
  );
  await until('the death is told', () => text.lines.some((line) => /killed by SIGKILL/.test(line)));
  expect(await text.stop()).toBe(0);
  expect(
    text.lines.filter((line) => line === 'Stopping; what was in flight is kept.'),
  ).toHaveLength(1);
  for (const file of readdirSync(logs).filter((name) => name.startsWith('worker'))) {
    expect(readFileSync(join(logs, file), 'utf8')).not.toContain('No workflows registered');
  }
  for (const line of text.raw) expect(line).toMatch(/^\d{4}-\S+Z (INFO |WARN |ERROR) \S/);
  expect(text.raw.find((line) => / WARN {2}Chunk worker was killed/.test(line))).toBeDefined();
});

it.each([
  ['an unknown flag', ['up', '--locl', '/x']],
  ['a value that does not fit', ['up', '--local-fs-dir', '/x', '--transaction-batch-size', '1k']],
  ['a file that is not there', ['up', '--config', '/nowhere.yaml']],
])('errors of a command that lasts have one form: %s', async (_, args) => {
  const { code, err } = await runCli(args);
  expect(code).toBe(2);
  expect(err).toMatch(/^\d{4}-\S+Z ERROR \S.*\n$/);
});

it.each([
  ['an unknown flag', ['up', '--locl', '/x', '--log-format', 'json']],
  ['a file that is not there', ['up', '--log-format=json', '--config', '/nowhere.yaml']],
])('mistakes are told in the format that is asked for beside them: %s', async (_, args) => {
  const { code, err } = await runCli(args);
  expect(code).toBe(2);
  expect(JSON.parse(err)).toMatchObject({ level: 'error', msg: expect.any(String) as string });
});

it('a missing server is told in one line', async () => {
  const away = await runCli(['status'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(away).toMatchObject({ code: 1, out: '' });
  expect(away.err).toMatch(/^aptos-backup: no Temporal server answers at 127\.0\.0\.1:1 .*\n$/);
});

it('the flag of the format comes before the environment', async () => {
  const wrong = ['verify', '--local-fs-dir', '/nowhere', '--sample', 'much'];
  const environment = { APTOS_BACKUP_LOG_FORMAT: 'json' };
  const { err } = await runCli(wrong, environment);
  expect(JSON.parse(err)).toMatchObject({ level: 'error' });
  const flagged = await runCli([...wrong, '--log-format', 'text'], environment);
  expect(flagged.code).toBe(2);
  expect(flagged.err).toMatch(/^aptos-backup: --sample must be /);
  const empty = await runCli(wrong, { APTOS_BACKUP_LOG_FORMAT: '' });
  expect(empty.err).toMatch(/^aptos-backup: --sample must be /);
});
