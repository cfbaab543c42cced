/** A configuration file is read whole, or each of its mistakes is told with line, column and field. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EXAMPLE } from '../../src/config/example.js';
import { parseConfig, readConfig } from '../../src/config/read-config.js';
import { storageFolder } from '../support/backup.js';
import { problems, problemsOf } from '../support/config-problems.js';

it('the example is a whole configuration', () => {
  const { given, schedules } = parseConfig('/etc/c.yaml', EXAMPLE);
  const value = (name: string) => given.get(name)?.value;
  expect(value('nodes')).toEqual(['http://node-a:6186', 'http://node-b:6186']);
  expect(value('limits.concurrency')).toBe('4');
  expect(value('copy.to')).toBe('gs://my-other-bucket/backups');
  expect(given.get('data_dir')).toEqual({ value: '/var/lib/aptos-backup', line: 61 });
  expect(schedules.map(({ kind, words }) => [kind, words])).toEqual([
    ['verify', 'every 1d, sample 20%'],
    ['compact', 'every 7d'],
    ['prune', 'every 1d, keep_last 3, keep_daily 14d, keep_weekly 12w, grace 7d'],
    ['gc', 'every 1d'],
  ]);
  expect(schedules[0]!.own).toEqual({ sample: '20%' });
  expect(schedules[2]!.own.prune).toMatchObject({ keep_last: '3', keep_weekly: '12w' });
});

it('docs/operating.md has the example as it is printed', () => {
  expect(readFileSync('docs/operating.md', 'utf8')).toContain(`\`\`\`yaml\n${EXAMPLE}\`\`\`\n`);
});

it('paths begin in the folder of the file, URLs stay as they are', () => {
  const { given } = parseConfig('/etc/x/c.yaml', 'storage: backups\ncopy: { to: ../far.yaml }\n');
  expect(given.get('storage')?.value).toBe('/etc/x/backups');
  expect(given.get('copy.to')?.value).toBe('/etc/far.yaml');
});

it('a section without fields says nothing', () => {
  expect([...parseConfig('c.yaml', 'storage: /b\nlimits:\nschedules:\n').given.keys()]).toEqual([
    'storage',
  ]);
});

it.each<[string, string[], string[]]>([
  [
    'a value that does not fit',
    ['limits:', '  concurrency: many'],
    ['C, line 2, column 16: limits.concurrency must be a whole number from 1 to 64, not "many"'],
  ],
  [
    'a number out of its range',
    ['workers: { chunk_workers: 99 }'],
    ['C, line 1, column 27: workers.chunk_workers must be a whole number from 1 to 16, not 99'],
  ],
  [
    'a field without a value',
    ['storage:'],
    ['C, line 1, column 1: storage has no value: write one, or remove the line'],
  ],
  [
    'a misspelt field',
    ['storge: /b'],
    ['C, line 1, column 1: unknown field "storge", did you mean "storage"?'],
  ],
  [
    'a misspelt field of a section',
    ['limits:', '  max_chunk_siz: 5'],
    [
      'C, line 2, column 3: unknown field "limits.max_chunk_siz", did you mean "limits.max_chunk_size"?',
    ],
  ],
  [
    'a field outside of its section',
    ['concurrency: 5'],
    ['C, line 1, column 1: unknown field "concurrency", did you mean "limits.concurrency"?'],
  ],
  [
    'a secret',
    ['aws_secret: abcdefg'],
    [
      'C, line 1, column 1: unknown field "aws_secret"; secrets do not belong into this file: give them in the environment',
    ],
  ],
  [
    'a section that is none',
    ['limits: 5'],
    [
      'C, line 1, column 9: limits must be a section with node_streams, node_requests_per_second, node_bytes_per_second, concurrency, max_chunk_size',
    ],
  ],
  [
    'nodes of which one is no URL',
    ['nodes:', '  - http://a:1', '  - node-b'],
    [
      'C, line 3, column 5: nodes[1] must be the URL of a backup service, like "http://localhost:6186", not "node-b"',
    ],
  ],
  [
    'a node with a password, which is not shown',
    ['nodes: http://me:hunter22@a:1'],
    [
      'C, line 1, column 8: nodes[0] must be the URL of a backup service, like "http://localhost:6186", not "http://a:1"',
    ],
  ],
  [
    'a storage with credentials, which are not shown',
    ['storage: s3://key:hunter22@bucket/x'],
    [
      'C, line 1, column 10: storage must have no user and no password in its URL: credentials come from the environment of the workers',
    ],
  ],
  [
    'a network that is not known',
    ['network: mainet'],
    [
      'C, line 1, column 10: network "mainet" is not known, did you mean "mainnet"? known are mainnet, testnet, movement-mainnet, movement-testnet; name a chain of your own like custom:NAME',
    ],
  ],
  [
    'a copy without its place',
    ['copy:', '  bytes_per_second: 5'],
    ['C, line 1, column 1: copy.to is missing: it says where the copy is'],
  ],
  [
    'a copy into the storage itself',
    ['storage: /b', 'copy:', '  to: /b/'],
    ['C, line 3, column 3: copy.to is the storage itself'],
  ],
  [
    'a retention that keeps nothing',
    ['retention: { grace: 3d }'],
    ['C, line 1, column 1: retention needs a keep rule, such as keep_last'],
  ],
  [
    'an address that is none',
    ['page: { address: here }'],
    [
      'C, line 1, column 18: page.address must be [HOST:]PORT with a port from 0 to 65535, not "here"',
    ],
  ],
  [
    'a command of notifications that is no list',
    ['notifications: { command: page-me --now }'],
    [
      'C, line 1, column 27: notifications.command must be a list: a program and its arguments, not "page-me --now"',
    ],
  ],
  [
    'a command of notifications without a program',
    ['notifications: { command: [] }'],
    ['C, line 1, column 27: notifications.command: name a program'],
  ],
  [
    'a time of notifications that is none',
    ['notifications: { remind: daily }'],
    [
      'C, line 1, column 26: notifications.remind must be seconds or a time like 5m, 12h or 7d, not "daily"',
    ],
  ],
  [
    'the URL of a webhook in the file itself',
    ['notifications: { webhook: https://chat/hooks/hunter22 }'],
    [
      'C, line 1, column 18: unknown field "notifications.webhook"; known are notifications.webhook_file, notifications.webhook_headers_file, notifications.command, notifications.after, notifications.remind',
    ],
  ],
  [
    'a field that is given twice',
    ['storage: /a', 'storage: /b'],
    ['C, line 2, column 1: storage is given twice; remove one of them'],
  ],
  ['a tab', ['limits:', '\tconcurrency: 4'], ['C, line 2, column 1: a tab; indent with blanks']],
  [
    'a second document',
    ['storage: /a', '---', 'storage: /b'],
    ['C, line 2, column 1: a second document begins; a configuration is one, without "---" inside'],
  ],
  [
    'text that is no YAML',
    ['storage: "/a'],
    ['C, line 1, column 13: this is not YAML: Missing closing "quote'],
  ],
  [
    'an alias',
    ['storage: &x /b', 'copy: { to: *x }'],
    [
      'C, line 1, column 13: anchors and aliases are not used here; write the value',
      'C, line 2, column 13: anchors and aliases are not used here; write the value',
    ],
  ],
  ['nothing', ['# storage: /b'], ['C is empty: see aptos-backup config example']],
  [
    'a list',
    ['- storage: /b'],
    ['C, line 1, column 1: the file must be a map of settings, like "storage: /backups"'],
  ],
])('%s is told', (_, lines, told) => {
  expect(problems(...lines)).toEqual(told);
});

it.each<[string, string[], unknown[]]>([
  [
    'schedules that are no list',
    ['schedules: verify'],
    ['C, line 1, column 12: schedules must be a list, each with a kind: "- kind: verify"'],
  ],
  [
    'a misspelt kind',
    ['schedules:', '  - kind: verfy'],
    [
      expect.stringMatching(
        /^C, line 2, column 11: schedules\[0\]\.kind must be one of .*, not "verfy", did you mean "verify"\?$/,
      ),
    ],
  ],
  [
    'a schedule without a kind',
    ['schedules:', '  - every: 1d'],
    [
      expect.stringMatching(
        /^C, line 2, column 5: schedules\[0\]\.kind is missing; it is one of .*gc/,
      ),
    ],
  ],
  [
    'an interval that is none',
    ['schedules:', '  - { kind: gc, every: daily }'],
    ['C, line 2, column 24: schedules[0].every must be a time like 10m, 1h or 1d, not "daily"'],
  ],
  [
    'an interval that is too short',
    ['schedules:', '  - { kind: gc, every: 5s }'],
    ['C, line 2, column 24: schedules[0].every must be 30s or more, not "5s"'],
  ],
  [
    'a field of another kind',
    ['schedules:', '  - kind: gc', '    sample: 5%'],
    ['C, line 2, column 5: schedules[0]: only a schedule of kind verify takes a sample'],
  ],
  [
    'a copy into the storage itself',
    [
      'storage: b',
      'schedules:',
      '  - kind: verify',
      '  - kind: copy',
      '    to: ./b/',
      '  - kind: gc',
    ],
    ['C, line 5, column 5: schedules[1].to is the storage itself'],
  ],
  [
    'a copy that goes nowhere',
    ['schedules: [{ kind: copy }]'],
    ['C, line 1, column 13: schedules[0].to is missing: the storage that gets the copies'],
  ],
  [
    'a prune without rules',
    ['schedules: [{ kind: prune }]'],
    [
      expect.stringMatching(
        /^C, line 1, column 13: schedules\[0\]: give at least one rule: keep_last/,
      ),
    ],
  ],
  [
    'two of a kind',
    ['schedules:', '  - kind: gc', '  - kind: gc'],
    [
      'C, line 3, column 5: schedules[1]: there is one of kind gc on line 2; a storage has one of each kind',
    ],
  ],
  [
    'a misspelt field of a schedule',
    ['schedules:', '  - kind: verify', '    sampel: 5%'],
    [
      'C, line 3, column 5: unknown field "schedules[0].sampel", did you mean "schedules[0].sample"?',
    ],
  ],
])('%s are told', (_, lines, told) => {
  expect(problems(...lines)).toEqual(told);
});

it('all mistakes are told at once, in the order of their lines', () => {
  const told = problems(
    ...['schedules: [{ kind: verfy }]', 'limits: { concurrency: 0 }', 'colour: red'],
    ...['network: 5', 'storage:'],
  );
  expect(told.map((one) => /^C, line (\d+)/.exec(one)?.[1])).toEqual(['1', '2', '3', '4', '5']);
});

it('of many mistakes, twenty are told', () => {
  const told = problems(...Array.from({ length: 50 }, (_, i) => `colour${i}: red`));
  expect(told).toHaveLength(21);
  expect(told.at(-1)).toBe('C: and 30 more');
});

it('a file that cannot be read is one clear error', () => {
  const folder = storageFolder();
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content);
    return name;
  };
  const told = (name: string) =>
    problemsOf(() => readConfig(join(folder, name))).map((one) => one.replaceAll(`${folder}/`, ''));
  mkdirSync(join(folder, 'dir'));
  expect(told('gone')).toEqual(['gone is not there; check --config, or APTOS_BACKUP_CONFIG']);
  expect(told('dir')).toEqual(['dir is no file; name a YAML file']);
  expect(told(file('large', 'a'.repeat(300_000)))).toEqual([
    'large is too large: 300000 bytes, and a configuration has at most 262144; is it another file?',
  ]);
  expect(told(file('binary', Buffer.from([0xff, 0xfe, 0x80])))).toEqual([
    'binary is no text in UTF-8',
  ]);
  expect(told(file('deep', 'a: '.padEnd(100_000, '[')))).toEqual([
    'deep is nested too deep to be settings',
  ]);
});
