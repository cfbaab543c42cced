/** The command takes the stock tool's flags, and every mistake is one line with what to do. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { devnode, fetchBytes, storageFolder, contentOf } from '../support/backup.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { dataFolder, runCli } from '../support/cli.js';
import { sharedData } from '../shared-data.js';

const STOCK = fileURLToPath(new URL('../fixtures/stock/stock-plain', import.meta.url));

const run = (...args: string[]) => runCli(args);

describe('query', () => {
  it('prints the state of a storage as the stock tool does', async () => {
    const before = readdirSync(STOCK, { recursive: true });
    for (const words of [['backup', 'query'], ['query']]) {
      const { code, out } = await run(...words, 'backup-storage-state', '--local-fs-dir', STOCK);
      expect(out).toBe(
        'latest_epoch_ending_epoch: 5, latest_state_snapshot_epoch: 5, latest_state_snapshot_version: 240, latest_transaction_version: 250\n',
      );
      expect(code).toBe(0);
    }
    expect(readdirSync(STOCK, { recursive: true })).toEqual(before);
  });

  it('tells an empty storage from a missing one, and creates neither', async () => {
    const folder = storageFolder();
    const empty = await run('query', 'backup-storage-state', '--local-fs-dir', folder);
    expect(empty.out).toBe(
      'latest_epoch_ending_epoch: none, latest_state_snapshot_epoch: none, latest_state_snapshot_version: none, latest_transaction_version: none\n',
    );
    const nowhere = join(folder, 'x');
    const missing = await run('query', 'backup-storage-state', '--local-fs-dir', nowhere);
    expect(missing).toMatchObject({ code: 1, out: '' });
    expect(missing.err).toMatch(/^aptos-backup: local folder .* is not there; .*\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('prints the state of a node', async () => {
    const node = await devnode();
    const { epoch, version } = node.facts();
    const flags = ['--backup-service-address', node.address];
    expect((await run('query', 'node-state', ...flags)).out).toBe(
      `epoch: ${epoch}, committed_version: ${version}\n`,
    );
    expect((await run('query', 'node-state', ...flags, '--json')).out).toBe(
      `{"epoch":${epoch},"committed_version":${version}}\n`,
    );
    const empty = await devnode({ empty: true });
    const state = await run('query', 'node-state', '--backup-service-address', empty.address);
    expect(state.out).toBe('DB not bootstrapped.\n');
  });
});

it('a ~ that no shell has expanded is refused', async () => {
  const told = (name: string) => ({
    ...{ code: 2, out: '' },
    err: `aptos-backup: ${name} begins with "~", which no shell has expanded; write the whole path\n`,
  });
  expect(await run('verify', '--local-fs-dir=~/x')).toMatchObject(told('--local-fs-dir'));
  expect(await run('check', '--storage=~bob/x')).toMatchObject(told('--storage'));
  for (const name of ['APTOS_BACKUP_CONFIG', 'APTOS_BACKUP_DATA_DIR']) {
    expect(await runCli(['config', 'show'], { [name]: '~/x' })).toMatchObject(told(name));
  }
});

describe('a command ends with one line and exit code 2 if it gets', () => {
  const oneoff = ['oneoff', '--local-fs-dir', '/nowhere'];
  it.each([
    ['an unknown command', ['restroe'], /unknown command/],
    [
      'an empty storage for the copy',
      ['up', '--local-fs-dir', '/nowhere', '--copy-to='],
      /--copy-to is empty/,
    ],
    ['an empty target', ['copy', '--from', '/nowhere', '--to='], /--to is empty/],
    [
      'a flag in place of a value',
      ['check', '--local-fs-dir', '--json'],
      /--local-fs-dir has no value: "--json" after it is a flag/,
    ],
    ['a copy into itself', ['copy', '--from', '/x', '--to', '/x/y'], /: --from must not be inside/],
    [
      'two ranges of a copy',
      ['copy', '--from', '/x', '--to', '/y', '--versions', '1-2', '--epochs', '1-2'],
      /--versions and --epochs cannot/,
    ],
    [
      'a copy inside the storage',
      ['up', '--local-fs-dir', '/x', '--copy-to', '/x/in'],
      /--copy-to must not be inside the storage/,
    ],
    ['no chunk workers', ['worker', '--chunk-workers', '0'], /--chunk-workers .* 1 to 16, not "0"/],
    ['a health address', ['worker', '--health-address', 'here'], /must be \[HOST:\]PORT/],
    ['a port that is none', ['worker', '--health-address', '99999'], /--health-address must be /],
    ['a page that is none', ['worker', '--temporal-ui', 'ui:8080'], /--temporal-ui must be a URL /],
    ['another such port', ['devnode', '--port', '99999'], /'99999' is invalid\. .* 0 to 65535/],
    ['a third', ['serve', '--local-fs-dir', '/x', '--listen', '99999'], /--listen must be /],
    [
      'a word for a number of tasks',
      ['verify', '--local-fs-dir', '/x', '--concurrent-downloads', 'all'],
      /--concurrent-downloads must be a whole number, not "all"/,
    ],
    [
      'too many ranges',
      ['up', '--local-fs-dir', '/x', '--concurrent-data-requests', '100'],
      /: --concurrent-data-requests must be a whole number from 1 to 64/,
    ],
    ['a flag with a slip', ['up', '--chunk-wrkers', '3'], /Did you mean --chunk-workers\?/],
    ['a command with a slip', ['statsu'], /Did you mean status\?/],
    ['a stream with a slip', ['pause', 'transacton'], /did you mean "transaction"\?/],
    ['an unknown flag', ['query', 'node-state', '--nod'], /unknown option/],
    ['a missing flag', [...oneoff, 'epoch-ending', '--start-epoch', '0'], /--end-epoch/],
    [
      'no storage',
      ['oneoff', 'state-snapshot', '--state-snapshot-epoch', '0'],
      /--local-fs-dir DIR/,
    ],
    [
      'a storage that is named twice',
      [
        ...oneoff.slice(0, 1),
        'state-snapshot',
        '--state-snapshot-epoch',
        '0',
        '--storage',
        's3://bucket',
        '--local-fs-dir',
        'x',
      ],
      /one of --storage, --local-fs-dir and --command-adapter-config/,
    ],
    [
      'a password in the URL of the storage',
      ['verify', '--storage', 's3://user:hush@bucket/prefix'],
      /^(?!.*hush).*no password in its URL/,
    ],
    [
      'a word for a number',
      [...oneoff, 'state-snapshot', '--state-snapshot-epoch', 'x'],
      /: --state-snapshot-epoch must be/,
    ],
    [
      'a negative number',
      [...oneoff, 'transaction', '--start-version=-1', '--num_transactions', '1'],
      /--start-version must be/,
    ],
    [
      'a range past the end',
      [
        ...oneoff,
        'transaction',
        ...['--start-version', '18446744073709551615', '--num_transactions', '2'],
      ],
      /past the largest version/,
    ],
    [
      'an empty range',
      [...oneoff, 'epoch-ending', '--start-epoch', '5', '--end-epoch', '5'],
      /must be greater/,
    ],
    [
      'an invalid waypoint',
      [...oneoff, '--trust-waypoint', '5', 'state-snapshot', '--state-snapshot-epoch', '0'],
      /is not VERSION:HASH/,
    ],
    [
      'a waypoint twice',
      [
        ...oneoff,
        ...['--trust-waypoint', `5:${'a'.repeat(64)}`, '--trust-waypoint', `5:${'b'.repeat(64)}`],
        ...['state-snapshot', '--state-snapshot-epoch', '0'],
      ],
      /version 5 is given twice/,
    ],
    [
      'an invalid address',
      ['query', 'node-state', '--backup-service-address', 'localhost:6186'],
      /must be the URL/,
    ],
    [
      'an invalid port',
      [
        ...oneoff,
        ...['--backup-service-address', 'http://localhost:abc'],
        ...['state-snapshot', '--state-snapshot-epoch', '0'],
      ],
      /must be the URL .*not "http:\/\/localhost:abc"/,
    ],
    [
      'a port that is too large',
      ['query', 'node-state', '--backup-service-address', 'http://node:618600'],
      /must be the URL/,
    ],
    [
      'several nodes where only one is possible',
      ['query', 'node-state', '--backup-service-address', 'http://a,http://b'],
      /must be the URL/,
    ],
    [
      'the same node twice',
      [
        ...oneoff,
        ...['--backup-service-address', 'http://a:1,http://b:1'],
        ...['--backup-service-address', 'http://B:1/'],
        ...['state-snapshot', '--state-snapshot-epoch', '0'],
      ],
      /--backup-service-address: "http:\/\/B:1" is given twice/,
    ],
    [
      'an unknown network',
      [...oneoff, '--network', 'mainet', 'state-snapshot', '--state-snapshot-epoch', '0'],
      /"mainet" is not known, did you mean "mainnet"\? .*custom:NAME/,
    ],
    [
      'an unknown network for up',
      ['up', '--local-fs-dir', '/nowhere', '--network', 'Testnet'],
      /"testnet"\?/,
    ],
    [
      'an unknown network for verify',
      ['verify', '--local-fs-dir', '/nowhere', '--network', 'prod'],
      /"prod" is not known: known are mainnet, /,
    ],
    [
      'an unknown network for a schedule',
      ['schedule', 'create', 'due', '--local-fs-dir', '/nowhere', '--network', 'custom:testnet'],
      /give it without "custom:"/,
    ],
    [
      'a file of a token that is not there',
      ['worker', '--page-token-file', '/nowhere/token'],
      /: --page-token-file \/nowhere\/token: there is no such file; check the path$/m,
    ],
    [
      'a folder in place of a file',
      ['worker', '--page-token-file', '/'],
      /: --page-token-file \/: this is a folder; name a file$/m,
    ],
    [
      'a file that is no genesis blob',
      ['waypoint', '/nowhere/genesis.blob'],
      /cannot read .*: there is no such file; check the path$/m,
    ],
  ] as const)('%s', async (_, args, message) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('waypoint', () => {
  it('with --verbose, an error is shown with its place in our sources', async () => {
    const { code, err } = await runCli(['waypoint', 'package.json', '--verbose']);
    expect(code).toBe(1);
    expect(err).toMatch(/at printWaypoint \(src\/cli\/waypoint-command\.ts:\d+:\d+\)/);
    expect(err).not.toMatch(/dist\/\S+:\d+/);
  });

  const blob = sharedData('genesis', 'testnet.blob');
  it.skipIf(!blob)('prints the waypoint of a published genesis', async () => {
    expect(await run('waypoint', blob!)).toMatchObject({
      code: 0,
      out: '0:4b56f15c1dcef7f9f3eb4b4798c0cba0f1caacc0d35f1c80ad9b7a21f1f8b454\n',
    });
  });
  it('refuses a file that is no genesis', async () => {
    const file = join(dataFolder(), 'genesis.blob');
    writeFileSync(file, 'not a genesis');
    const { code, err } = await run('waypoint', file);
    expect(code).toBe(1);
    expect(err).toMatch(/^aptos-backup: this is not a usable genesis blob: .*\n$/);
  });
});

it('oneoff makes a backup alone, and its flags may stand after the kind as well', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const args = ['backup', 'oneoff', '--data-dir', dataFolder(), '--local-fs-dir', folder];
  args.push('epoch-ending', '--start-epoch', '0', '--end-epoch', '3');
  args.push('--backup-service-address', `${node.address}/`);
  const { code, out, err } = await run(...args);
  expect(err).toMatch(/^Temporal UI: http/m);
  expect(code).toBe(0);
  expect(out).toMatch(/^Epoch ending backup succeeded. Manifest: epoch_ending_0-\.[0-9a-f]{4}\//);
  const again = await run(...args, '--json');
  const result = JSON.parse(again.out) as BackupResult;
  expect(result).toMatchObject({ already_committed: true, records: '3' });
  expect(contentOf(folder, result).payload).toEqual(
    await fetchBytes(`${node.address}/epoch_ending_ledger_infos/0/3`),
  );
});
