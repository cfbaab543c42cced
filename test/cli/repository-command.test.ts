/** `repository` shows what a storage holds, and publishes an index of it. */
import { expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

it('lists, shows, counts and publishes, for people and as JSON', async () => {
  const copy = new StorageCopy(`${STOCK}/stock-continuous`);
  const run = async (...args: string[]) => {
    const ran = await runCli(['repository', ...args, '--local-fs-dir', copy.folder]);
    expect({ code: ran.code, err: ran.err }).toEqual({ code: 0, err: '' });
    return ran.out;
  };
  const list = await run('list', '--kind', 'transaction', '--end-version', '100');
  expect(list).toMatch(
    /^KIND +FIRST +LAST +AGE +BACKUP\ntransaction +0 +0 +\w+ +transaction_0-\.e001\ntransaction +1 +100 +\w+ +transaction_1-\.d464\n$/,
  );
  const listed = JSON.parse(await run('list', '--sizes', '--json')) as { backups: object[] };
  expect(listed.backups).toHaveLength(10);
  expect(listed.backups.at(-1)).toMatchObject({
    kind: 'transaction',
    last: '200',
    proven: 'unknown',
  });

  expect(await run('show', 'transaction_1-.d464')).toMatch(
    /\n {2}proven +unknown: the stock tool [^]*\n {2}files +30 of 30 are there[^]*\n {2}chunks +15\n/,
  );
  expect(await run('stats')).toMatch(
    /\n {2}transactions +3 backups, newest 200[^]*\n {2}orphans +0 folders/,
  );
  expect(JSON.parse(await run('stats', '--json'))).toMatchObject({
    kinds: { epoch_ending: { backups: 6 } },
  });

  expect(await run('index')).toContain('Published aptos-backup/index.gz');
  expect(JSON.parse(copy.read('aptos-backup/latest.json').toString())).toMatchObject({
    transaction: { version: '200', proven: 'unknown' },
    metadata_files: 11,
  });

  const wrong = await runCli([
    'repository',
    'list',
    '--kind',
    'transactions',
    '--local-fs-dir',
    copy.folder,
  ]);
  expect(wrong).toMatchObject({
    code: 2,
    err: expect.stringContaining(
      'unknown --kind "transactions", did you mean "transaction"? known are epoch-ending, ',
    ) as string,
  });
});
