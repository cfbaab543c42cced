/** Metadata that cannot be decoded is named and left alone, and its range is not stored again. */
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { surveyStorage } from '../../src/coordinator/survey.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { siteOf } from '../support/open-site.js';
import { jobOf } from '../support/back-up.js';
import { StorageCopy } from '../support/storage-copy.js';

const FIRST = { type: 'transaction', start_version: 0, num_transactions: 101 } as const;
const NEXT = { type: 'transaction', start_version: 101, num_transactions: 100 } as const;
const LINE = '{"TransactionBackup":{}}\n';
const JUNK = Buffer.from('garbage!');
const ZSTD = Buffer.from('28b52ffd24510000', 'hex');

/** A storage with a backup, and a metadata file in the place of the next one. */
async function beside(content: Uint8Array) {
  const node = await devnode({ transactions: 300, stateItems: 100, epochs: 2 });
  const setup = { node: node.address, folder: storageFolder() };
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 1 } });
  await backUp({ ...setup, target: FIRST });
  const s = new StorageCopy(setup.folder);
  const file = 'metadata/transaction_101-200.meta';
  s.write(file, content);
  return { s, file, next: () => backUp({ ...setup, folder: s.folder, target: NEXT }), node };
}

it.each([
  ['gzip that breaks off', gzipSync('{"TransactionBackup":{}}\n').subarray(0, 25), /breaks off/],
  ['text that is not JSON', Buffer.from('ruined'), /text that is not JSON/],
  ['a line of a kind that we do not know', Buffer.from('{"NewBackup":{}}\n'), /unknown kind/],
])('%s is named, and its range is not backed up over it', async (_, content, why) => {
  const { s, file, next } = await beside(content);
  const before = s.files();
  await expect(next()).rejects.toThrow(why);
  await expect(next()).rejects.toThrow(file);
  expect(s.files()).toEqual(before);
  expect(s.read(file)).toEqual(Buffer.from(content));
});

it.each([
  ['gzip that breaks off', 'transaction_101-200', gzipSync(LINE).subarray(0, 25)],
  ['what stock compacted, cut', 'transaction_compacted_101-200', gzipSync(LINE).subarray(0, 25)],
  ['gzip with something behind it', 'transaction_101-200', Buffer.concat([gzipSync(LINE), JUNK])],
])(
  '%s keeps the range in its name, whatever larger range is asked for',
  async (_, name, content) => {
    const { s, file, node } = await beside(content);
    s.remove(file);
    s.write(`metadata/${name}.meta`, content);
    const before = s.files();
    const target = { ...NEXT, num_transactions: 150 };
    const job = jobOf({ node: node.address, folder: s.folder, target });
    const survey = await surveyStorage(await siteOf(job), job.storage);
    expect(survey.versions).toEqual([{ first: '0', last: '200' }]);
    const larger = backUp({ node: node.address, folder: s.folder, target });
    await expect(larger).rejects.toThrow(`metadata/${name}.meta`);
    expect(s.files()).toEqual(before);
  },
);

it('a torn line is still moved aside, and its range stored', async () => {
  const { s, file, next } = await beside(Buffer.from('{"TransactionBackup":{"first_ver'));
  await next();
  expect(s.has('metadata_backup/transaction_101-200.meta')).toBe(true);
  expect(s.read(file).toString()).toMatch(/"last_version":200/);
});

it('a storage with metadata in another form is refused before anything is written', async () => {
  const { s, next, node } = await beside(ZSTD);
  const before = s.files();
  await expect(next()).rejects.toThrow(/zstd/);
  const job = jobOf({ node: node.address, folder: s.folder, target: NEXT });
  const site = await siteOf(job);
  await expect(surveyStorage(site, job.storage)).rejects.toMatchObject({
    code: 'ENCODING_UNKNOWN',
  });
  expect(s.files()).toEqual(before);
});
