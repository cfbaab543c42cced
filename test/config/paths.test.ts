/** Paths in a configuration file: `~/` is the home folder, and those of others are refused. */
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type StorageNameFlags, storageOf } from '../../src/cli/storage-options.js';
import { parseConfig } from '../../src/config/read-config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { storageFolder } from '../support/backup.js';
import { commandWith } from '../support/config-command.js';
import { problems } from '../support/config-problems.js';

/** Each field that is a path of this host, with a value that begins with `at`. */
const pathsOf = (at: string) =>
  ['storage', 'copy.to', 'data_dir', 'page.token_file']
    .concat(...['notifications.webhook_file', 'notifications.webhook_headers_file'])
    .map((name) => {
      const [section, field] = name.split('.');
      return [
        name,
        field ? `${section}: { ${field}: ${at}/${field} }` : `${name}: ${at}/${name}`,
      ] as const;
    });

it('~/ is the home folder, for each path of the file', () => {
  for (const [name, line] of pathsOf('"~')) {
    const { given } = parseConfig('/etc/x/c.yaml', `${line.replace(/( }|$)/, '"$1')}\n`);
    expect(given.get(name)?.value, name).toBe(join(homedir(), name.split('.').at(-1)!));
  }
  const paths = SETTINGS.filter(({ isPath }) => isPath).map(({ name }) => name);
  expect(
    pathsOf('~')
      .map(([name]) => name)
      .toSorted(),
  ).toEqual(paths.toSorted());

  const value = (name: string, line: string) =>
    parseConfig('/etc/x/c.yaml', `${line}\n`).given.get(name)?.value;
  expect(value('data_dir', 'data_dir: "~"')).toBe(homedir());
  expect(value('data_dir', 'data_dir: a/~/b')).toBe('/etc/x/a/~/b');
  expect(value('storage', 'storage: s3://bucket/~/x')).toBe('s3://bucket/~/x');
  expect(value('storage', 'storage: ~/adapter.yaml')).toBe(join(homedir(), 'adapter.yaml'));
  const command = (program: string) =>
    value('notifications.command', `notifications: { command: [${program}, ~/as-it-is] }`);
  expect(command('~/bin/page')).toEqual([join(homedir(), 'bin/page'), '~/as-it-is']);
  expect(command('./page')).toEqual(['/etc/x/page', '~/as-it-is']);
  expect(command('page')).toEqual(['page', '~/as-it-is']);

  const lines = [
    '- { kind: copy, to: ~/copy }',
    '- { kind: drill, stock_binary: ~/b, scratch: ~/s }',
  ];
  const { schedules } = parseConfig('/etc/x/c.yaml', ['schedules:', ...lines].join('\n'));
  expect(schedules.map(({ own }) => own)).toEqual([
    { to: { local_fs_dir: join(homedir(), 'copy') } },
    { stock_binary: join(homedir(), 'b'), scratch: join(homedir(), 's') },
  ]);
});

it('a URL of a folder names that folder, and is refused where only a path can be', async () => {
  const file = join(storageFolder(), 'c.yaml');
  writeFileSync(file, 'storage: file:///backups/e1\n');
  const flags = (await commandWith(['--config', file])).opts<StorageNameFlags>();
  expect(storageOf(flags)).toEqual({ local_fs_dir: '/backups/e1' });
  for (const [name, line] of pathsOf('file:///x')) {
    const refused = `${name} must be a path of this host, and not a URL`;
    const told = problems(line).map((one) => one.replace(/^.*column \d+: /, ''));
    expect(told).toEqual(['storage', 'copy.to'].includes(name) ? [] : [refused]);
  }
  for (const flag of ['local-fs-dir', 'command-adapter-config']) {
    const typed = (await commandWith([`--${flag}`, 's3://b/x'])).opts<StorageNameFlags>();
    expect(() => storageOf(typed)).toThrow(`--${flag} takes a path, not a URL`);
  }
});

it('the home folder of another user is refused, for each path of the file', () => {
  for (const [name, line] of [
    ...pathsOf('~bob'),
    ['notifications.command', 'notifications: { command: [~bob/x] }'],
    ['schedules[0].to', 'schedules: [{ kind: copy, to: ~bob/x }]'],
    ['schedules[0].stock_binary', 'schedules: [{ kind: drill, stock_binary: ~bob/x }]'],
    ['schedules[0].scratch', 'schedules: [{ kind: drill, scratch: ~bob/x }]'],
  ] as const) {
    expect(problems(line), name).toEqual([
      expect.stringMatching(
        /^C, line 1, column \d+: \S+ must not begin with "~bob": only "~\/" is known/,
      ),
    ]);
    expect(problems(line)[0], name).toContain(` ${name} must`);
  }
});
