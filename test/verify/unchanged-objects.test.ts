/** A verification of a bucket reads again what the store marks as changed, by its own ETag, and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';

const server = s3Server();

/** A bucket with the files of a storage that was made in a folder, below the prefix `e1`. */
async function storedInBucket() {
  const node = await devnode({ transactions: 300, stateItems: 100, epochs: 2 });
  const setup = { node: node.address, folder: storageFolder() };
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 2 } });
  await backUp({
    ...setup,
    target: { type: 'transaction', start_version: 0, num_transactions: 301 },
  });
  const bucket = await makeBucket(server);
  const names = await copyToBucket(bucket, setup.folder, 'e1');
  const storage = { url: bucket.url('e1') };
  return {
    names,
    put: (name: string, Body: Uint8Array) =>
      bucket.s3.putObject({ Bucket: bucket.name, Key: `e1/${name}`, Body }),
    content: (name: string) => readFileSync(join(setup.folder, name)),
    verify: () =>
      verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE),
  };
}

it('what is unchanged is skipped, and what was written anew is read and judged', async () => {
  const s = await storedInBucket();
  const first = await s.verify();
  expect(first).toMatchObject({ ok: true, findings: [], checked: { proven_before: 0 } });

  // The epoch endings are read each time: all else is proven by them.
  const second = await s.verify();
  expect(second).toMatchObject({ ok: true, findings: [], checked: { read_again: {} } });
  expect(second.checked.proven_before).toBeGreaterThan(0);
  expect(second.checked.objects).toBeLessThan(first.checked.objects);

  const chunk = s.names.find((name) => /^transaction_.*\.chunk$/.test(name))!;
  await s.put(chunk, s.content(chunk)); // the same again
  expect(await s.verify()).toMatchObject({ ok: true, checked: second.checked });

  const damaged = Buffer.from(s.content(chunk));
  damaged[damaged.length >> 1]! ^= 1;
  await s.put(chunk, damaged);
  const third = await s.verify();
  expect(third.ok).toBe(false);
  expect(third.findings).toContainEqual(
    expect.objectContaining({ object: expect.stringContaining('transaction_') as string }),
  );
  expect(third.checked.read_again).toMatchObject({ changed: expect.any(Number) as number });
});
