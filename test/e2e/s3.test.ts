/** Backups in a bucket of S3 as an operator keeps them: by worker processes, through Temporal, and verified from there. */
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { startVerify } from '../../src/client/start-verification.js';
import { decodedCopy } from '../support/decoded-copy.js';
import { type Bucket, makeBucket, s3Server } from '../support/s3-bucket.js';
import { S3_KEYS } from '../support/servers/seaweedfs.js';
import { expectWholeNode, startSite } from '../support/site.js';
import { until } from '../support/until.js';

const server = s3Server();

async function objectsOf({ s3, name }: Bucket): Promise<string[]> {
  const { Contents = [] } = await s3.listObjectsV2({ Bucket: name });
  return Contents.map(({ Key }) => Key!);
}

it("is written gzip'd, as the stock tool's adapters do, and verified by another job", async () => {
  const bucket = await makeBucket(server);
  const site = await startSite({ transactions: 600 }, { env: S3_KEYS });
  const storage = { url: bucket.url('e1') };
  const results = await site.backUpAll({ storage });
  await expectWholeNode({ node: site.node, folder: await decodedCopy(storage) }, results);

  const keys = await objectsOf(bucket);
  const ofTheFormat = keys.filter((key) => /\.(meta|manifest|chunk|proof)$/.test(key));
  expect(ofTheFormat.length).toBeGreaterThan(10);
  for (const Key of ofTheFormat) {
    const { Body } = await bucket.s3.getObject({ Bucket: bucket.name, Key });
    expect(gunzipSync(await Body!.transformToByteArray()).length).toBeGreaterThan(0);
  }
  expect(await bucket.pending()).toEqual([]);

  const { handle } = await startVerify(site.session.client, { storage });
  const coverage = await handle.result();
  expect(coverage).toMatchObject({ ok: true, complete: true, finding_count: 0 });
  const history = JSON.stringify((await handle.fetchHistory()).events);
  for (const secret of Object.values(S3_KEYS)) expect(history).not.toContain(secret);
});

it('goes on when the store was killed in the middle and came back', async () => {
  const bucket = await makeBucket(server);
  const site = await startSite({ transactions: 1_200, stateItems: 1_200 }, { env: S3_KEYS });
  const storage = { url: bucket.url('e1', 'encoding=plain') };
  const backup = site.backUpAll({ storage, concurrency: 2 });
  const chunks = async () => (await objectsOf(bucket)).filter((key) => key.endsWith('.chunk'));
  await until('some chunks are stored', async () => (await chunks()).length >= 5);
  await server.kill();
  await server.restart();
  const results = await backup;
  await expectWholeNode({ node: site.node, folder: await decodedCopy(storage) }, results);
  expect(await bucket.pending()).toEqual([]);
}, 600_000);
