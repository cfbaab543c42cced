import { Command } from 'commander';
import { beforeEach, describe, expect, it } from 'vitest';
import { inFlags, noteCommand } from '../../src/cli/flag-names.js';
import { parseInput, parseNodes } from '../../src/contract/backup-input.js';
import { BACKUP_TYPES } from '../../src/contract/kinds/index.js';
import { describeTarget } from '../../src/contract/job.js';

beforeEach(() => {
  const command = new Command();
  for (const flag of [
    ...['--backup-service-address <URL>', '--concurrent-data-requests <N>', '--network <NAME>'],
    ...['--state-snapshot-epoch <N>', '--start-epoch <N>', '--end-epoch <N>'],
    ...[
      '--start-version <N>',
      '--num_transactions <N>',
      '--data-dir <DIR>',
      '--trust-waypoint <W>',
    ],
  ]) {
    command.option(flag);
  }
  noteCommand(command);
});

/** The message of the error that `work` throws. */
function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('messages of inputs', () => {
  const whole = { node: 'http://a:1', storage: { local_fs_dir: '/backups' } };
  for (const [what, work, expected] of [
    [
      'a missing field',
      () => parseInput('state_snapshot', whole),
      /^--state-snapshot-epoch must be/,
    ],
    [
      'a value that does not fit',
      () => parseInput('state_snapshot', { ...whole, epoch: 1, concurrency: 0 }),
      /^--concurrent-data-requests must be/,
    ],
    ['a node', () => parseNodes('here'), /^--backup-service-address must be/],
    [
      'a node twice',
      () => parseNodes(['http://a:1', 'http://a:1']),
      /^--backup-service-address: "/,
    ],
    [
      'a waypoint',
      () => parseInput('state_snapshot', { ...whole, epoch: 1, trust_waypoints: ['x'] }),
      /^--trust-waypoint: "x" is not VERSION:HASH/,
    ],
    [
      'a network',
      () => parseInput('state_snapshot', { ...whole, epoch: 1, network: 'mainet' }),
      /^--network "mainet" is not known/,
    ],
    [
      'two fields',
      () => parseInput('epoch_ending', { ...whole, start_epoch: 5, end_epoch: 5 }),
      /^--end-epoch \(5\) .* than --start-epoch \(5\)$/,
    ],
  ] as const) {
    it(`name the flag: ${what}`, () => {
      expect(inFlags(messageOf(work))).toMatch(expected);
    });
  }

  it('keep ordinary words', () => {
    const targets = {
      epoch_ending: { type: 'epoch_ending', first: '0', last: '2' },
      state_snapshot: { type: 'state_snapshot', epoch: '3' },
      transaction: { type: 'transaction', first: '0', last: '9' },
    } as const;
    const prose = [
      ...BACKUP_TYPES.map((type) => `${describeTarget(targets[type])}: the storage has it already`),
      'node 3 is at version 7',
      'network of the node: mainnet',
      'concurrency of two units is shared',
    ];
    for (const text of prose) expect(inFlags(text)).toBe(text);
  });

  it('keep the values', () => {
    for (const text of [
      'this coordinator works for /srv/data_dir; start another for s3://bucket/start_epoch/x',
      'there is no "num_transactions" in "/x/start_version"',
      'nothing is in data_dir.old/a',
    ]) {
      expect(inFlags(text)).toBe(text);
    }
  });
});

it('changed settings get the names of their flags, and their values stay', () => {
  const answer = 'changed: node http://a/ -> http://b/, concurrency 4 -> 8; units that run stay';
  expect(inFlags(answer)).toBe(
    'changed: --backup-service-address http://a/ -> http://b/, --concurrent-data-requests 4 -> 8; units that run stay',
  );
});
