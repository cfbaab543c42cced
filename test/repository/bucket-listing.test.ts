/** A bucket whose listing is cut, empty or an error, by a proxy before a real server: an outage, and nothing is written. */
import { expect, it } from 'vitest';
import { prepareUnit } from '../../src/backup/plan/prepare.js';
import { Learnt } from '../../src/backup/plan/learnt.js';
import { surveyStorage } from '../../src/coordinator/survey.js';
import { tidyStorage } from '../../src/coordinator/tidy.js';
import { openStorage } from '../../src/storage/open.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { type Target, jobOf } from '../support/back-up.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { siteOf } from '../support/open-site.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { type Fault, faultyProxy } from '../support/servers/faulty-proxy.js';

const server = s3Server();
const SNAPSHOT = { type: 'state_snapshot', epoch: 1 } as const;
const METADATA = /list-type=2.*prefix=e1%2Fmetadata%2F/;

/** A storage in a bucket, behind a proxy that does to listings of its metadata what `fault` says. */
async function storedBehind(fault: () => Fault | undefined) {
  const node = await devnode({ transactions: 300, stateItems: 100, epochs: 2 });
  const setup = { node: node.address, folder: storageFolder() };
  const transactions = (start_version: number) =>
    ({ type: 'transaction', start_version, num_transactions: 100 }) as const;
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 1 } });
  await backUp({ ...setup, target: transactions(0) });
  await backUp({ ...setup, target: transactions(100) });
  const bucket = await makeBucket(server);
  await copyToBucket(bucket, setup.folder, 'e1');
  const proxy = await faultyProxy(server.endpoint, ({ path }) =>
    METADATA.test(path) ? fault() : undefined,
  );
  const storage = { url: bucket.url('e1', 'encoding=plain', proxy) };
  const job = { ...jobOf({ ...setup, target: transactions(200) }), storage };
  const holder = { owner: 'me', host: 'here', workflow: 'test' };
  const signal = AbortSignal.timeout(120_000);
  const report = () => undefined;
  const isRunning = () => Promise.resolve(false);
  return {
    survey: async () => surveyStorage(await siteOf(job), storage),
    plan: async (target: Target = transactions(200)) => {
      const other = { ...jobOf({ ...setup, target }), storage };
      const site = await siteOf(other);
      return prepareUnit(site, other, { lanes: 4, learnt: Learnt.from(site.address), signal });
    },
    backUpSnapshot: (beforeCommit: () => void) =>
      backUp({ ...setup, storage, target: SNAPSHOT, beforeCommit }),
    tidy: () =>
      tidyStorage(
        { working: [], givenUp: [] },
        { storage: openStorage(storage, signal), holder, signal, report, isRunning },
      ),
    async keys() {
      const { Contents = [] } = await bucket.s3.listObjectsV2({ Bucket: bucket.name });
      return Contents.map(({ Key }) => Key!);
    },
  };
}

/** As a store that believes it: the count fits what is left. */
const without = (handles: RegExp): Fault => ({
  change(status, body) {
    const left = body.replace(/<Contents>.*?<\/Contents>/gs, (one) =>
      handles.test(one) ? '' : one,
    );
    const count = left.split('<Contents>').length - 1;
    return { status, body: left.replace(/<KeyCount>\d+</, `<KeyCount>${count}<`) };
  },
});

it.each([
  ['lacks its last file', without(/transaction_100-199/)],
  ['lacks its first files', without(/epoch_ending|identity/)],
  ['is empty', without(/./s)],
])('one that %s', async (_, fault) => {
  let failing = true;
  const s = await storedBehind(() => (failing ? fault : undefined));
  const before = await s.keys();
  const outage = { code: 'LISTING_SHORT', retryable: true };
  await expect(s.survey()).rejects.toMatchObject(outage);
  await expect(s.tidy()).rejects.toMatchObject(outage);
  await expect(s.plan()).rejects.toMatchObject(outage);
  await expect(s.plan(SNAPSHOT)).rejects.toMatchObject(outage);
  expect(await s.keys()).toEqual(before);

  failing = false;
  expect((await s.survey()).versions).toEqual([{ first: '0', last: '199' }]);
  expect(await s.tidy()).toMatchObject({ removed: 0 });
});

it('one that is cut when a snapshot is committed, which overlaps nothing: no line is written', async () => {
  let failing = false;
  const s = await storedBehind(() => (failing ? without(/transaction_100-199/) : undefined));
  const backedUp = s.backUpSnapshot(() => (failing = true));
  await expect(backedUp).rejects.toMatchObject({ code: 'LISTING_SHORT' });
  const lines = async () =>
    (await s.keys()).filter((key) => key.includes('metadata/state_snapshot_ver_'));
  expect(await lines()).toEqual([]);
  failing = false;
  await s.backUpSnapshot(() => undefined);
  expect(await lines()).toHaveLength(1);
});
