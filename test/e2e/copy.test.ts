/** The command `copy`, as an operator types it, with the embedded server: kills, damage, its exit codes. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';
import { decodedCopy } from '../support/decoded-copy.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';

const s3 = s3Server();

it('a gzip repository is copied into a bucket through a kill, and back into a folder, byte for byte', async () => {
  const gzip = new StorageCopy(join(STOCK, 'stock-gzip'));
  const bucket = await makeBucket(s3);
  const url = bucket.url('copy', 'encoding=plain');
  const data = dataFolder();
  const copy = ['copy', '--from', gzip.folder, '--to', url, '--data-dir', data];
  const killed = startCli([...copy, '--requests-per-second', '20', '--lanes', '1']);
  const named = async () => (await readCatalog(openStorage({ url }))).transactions.length;
  await until('a backup is committed', async () => (await named().catch(() => 0)) > 0, 120_000);
  killed.child.kill('SIGKILL');
  await killed.ended;
  const result = await runCli([...copy, '--json']);
  expect({ ...result, out: '' }).toMatchObject({ code: 0 });
  expect(JSON.parse(result.out)).toMatchObject({ ok: true, skipped: [] });

  const back = storageFolder();
  const home = await runCli(['copy', '--from', url, '--to', back, '--data-dir', data]);
  expect(home).toMatchObject({ code: 0, out: expect.stringMatching(/^Copied: /) as string });
  const [a, b] = [await decodedCopy({ local_fs_dir: gzip.folder }), back];
  const [before, after] = [new StorageCopy(a), new StorageCopy(b)];
  const files = before.files().filter((name) => /\.(chunk|proof|manifest)$/.test(name));
  expect(files.length).toBeGreaterThan(50);
  for (const name of files) expect(after.read(name)).toEqual(before.read(name));
  expect(await after.verify()).toMatchObject({ ok: true, findings: [], orphans: [] });
}, 600_000);

it('a damaged chunk is named, and the exit code says that not all was copied', async () => {
  const source = new StorageCopy(join(STOCK, 'stock-plain'));
  const chunk = source.files().find((name) => /^transaction_1-.*\.chunk$/.test(name))!;
  source.flip(chunk);
  const to = storageFolder();
  const ends = ['--from', source.folder, '--to', to, '--data-dir', dataFolder()];
  const { code, out } = await runCli(['copy', ...ends]);
  expect(code).toBe(1);
  expect(out).toMatch(/^NOT ALL COPIED: /);
  expect(out).toContain(chunk);
});
