/** Backups in a bucket of GCS as an operator keeps them: by worker processes, through Temporal, and verified from there. */
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { startVerify } from '../../src/client/start-verification.js';
import { expectWholeNode, startSite } from '../support/site.js';
import { until } from '../support/until.js';
import { gcsServer, getObject, listAll, makeGcsBucket } from '../support/gcs-bucket.js';
import { decodedCopy } from '../support/decoded-copy.js';

const server = gcsServer();

it("a bucket of GCS is written gzip'd, as the stock tool's adapters do, and verified by another job", async () => {
  const bucket = await makeGcsBucket(server);
  const site = await startSite({ transactions: 600 });
  const storage = { url: bucket.url() };
  const results = await site.backUpAll({ storage });
  await expectWholeNode({ node: site.node, folder: await decodedCopy(storage) }, results);

  const gcs = bucket.store();
  const keys = await listAll(gcs);
  const ofTheFormat = keys.filter((key) => /\.(meta|manifest|chunk|proof)$/.test(key));
  expect(ofTheFormat.length).toBeGreaterThan(10);
  for (const key of ofTheFormat) {
    expect(gunzipSync(await getObject(gcs, key)).length).toBeGreaterThan(0);
  }

  const { handle } = await startVerify(site.session.client, { storage });
  expect(await handle.result()).toMatchObject({ ok: true, complete: true, finding_count: 0 });
});

it('a backup into GCS goes on when the store was killed in the middle and came back', async () => {
  const bucket = await makeGcsBucket(server);
  const site = await startSite({ transactions: 3_000, stateItems: 2_000 });
  const storage = { url: bucket.url('backups/e1', 'encoding=plain') };
  const backup = site.backUpAll({ storage, concurrency: 2 });
  const chunks = async () => (await listAll(bucket.store())).filter((key) => /\.chunk$/.test(key));
  await until('some chunks are stored', async () => (await chunks()).length >= 5);
  await server.kill();
  await server.restart();
  const results = await backup;
  await expectWholeNode({ node: site.node, folder: await decodedCopy(storage) }, results);
});
