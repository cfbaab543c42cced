/** A listing of the metadata that lacks what was committed is an outage: nothing is written over it, and nothing removed. */
import { expect, it } from 'vitest';
import { surveyStorage } from '../../src/coordinator/survey.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { jobOf } from '../support/back-up.js';
import { siteOf } from '../support/open-site.js';
import { StorageCopy } from '../support/storage-copy.js';

const FIRST = { type: 'transaction', start_version: 0, num_transactions: 101 } as const;
const SECOND = { type: 'transaction', start_version: 101, num_transactions: 100 } as const;
const KNOWN = 'aptos-backup/known.json';

/** A storage with epoch endings, a snapshot and two backups of transactions. */
async function stored() {
  const node = await devnode({ transactions: 400, stateItems: 100, epochs: 2 });
  const setup = { node: node.address, folder: storageFolder() };
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 1 } });
  await backUp({ ...setup, target: { type: 'state_snapshot', epoch: 0 } });
  await backUp({ ...setup, target: FIRST });
  await backUp({ ...setup, target: SECOND });
  const s = new StorageCopy(setup.folder);
  const target = { type: 'transaction', start_version: 201, num_transactions: 50 } as const;
  const next = { node: node.address, folder: s.folder, target };
  return {
    s,
    next: () => backUp(next),
    survey: async () => surveyStorage(await siteOf(jobOf(next)), { local_fs_dir: s.folder }),
  };
}

it('metadata that is gone from the listing stops surveys and commits, until it is back', async () => {
  const { s, next, survey } = await stored();
  const cut = 'metadata/transaction_101-200.meta';
  const content = s.read(cut);
  s.remove(cut);
  const before = s.files();
  const why = /no longer lists the metadata of transactions 101 to 200.*remove .*known\.json/;
  await expect(survey()).rejects.toMatchObject({ code: 'LISTING_SHORT', retryable: true });
  await expect(survey()).rejects.toThrow(why);
  await expect(next()).rejects.toThrow(why);
  expect(s.files()).toEqual(before);
  expect((await s.verify()).findings).toContainEqual(
    expect.objectContaining({ object: expect.stringContaining('transaction_101') as string }),
  );

  s.write(cut, content);
  await next();
  expect((await survey()).versions).toEqual([{ first: '0', last: '250' }]);
});

it('an empty listing is an outage, too, and so is one without a snapshot or the epoch endings', async () => {
  const { s, next, survey } = await stored();
  for (const [start, what] of [
    ['state_snapshot', /the state snapshot of version \d+/],
    ['epoch_ending', /epoch endings 0 to 0/],
  ] as const) {
    const cut = s.metadata(start);
    const content = s.read(cut);
    s.remove(cut);
    await expect(survey()).rejects.toThrow(what);
    s.write(cut, content);
  }
  for (const handle of s.files().filter((one) => one.startsWith('metadata/'))) s.remove(handle);
  const before = s.files();
  await expect(survey()).rejects.toThrow(/no metadata/);
  await expect(next()).rejects.toThrow(/no metadata/);
  expect(s.files()).toEqual(before);
});

it('compaction by the stock tool, and files of any name, are no outage: ranges count', async () => {
  const { s, next, survey } = await stored();
  const names = ['transaction_0-100', 'transaction_101-200', s.metadata('state_snapshot')];
  const [one, two, snapshot] = names.map((name) =>
    name.startsWith('metadata/') ? name : `metadata/${name}.meta`,
  ) as [string, string, string];
  s.write('metadata/transaction_compacted_0-200.meta', Buffer.concat([s.read(one), s.read(two)]));
  s.write('metadata/by-hand.meta', s.read(snapshot));
  for (const handle of [one, two, snapshot]) s.remove(handle);
  expect((await survey()).versions).toEqual([{ first: '0', last: '200' }]);
  await next();
  expect((await survey()).versions).toEqual([{ first: '0', last: '250' }]);
});

it('what was removed on purpose is forgotten with one file, as the message says', async () => {
  const { s, survey, next } = await stored();
  s.remove('metadata/transaction_101-200.meta');
  s.remove(KNOWN);
  expect((await survey()).versions).toEqual([{ first: '0', last: '100' }]);
  await next();
  expect(JSON.parse(s.read(KNOWN).toString())).toMatchObject({
    versions: [
      ['0', '100'],
      ['201', '250'],
    ],
  });
});
