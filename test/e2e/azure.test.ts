/** Backups in a container of Azure as an operator keeps them: by worker processes, through Temporal, and verified from there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { startVerify } from '../../src/client/start-verification.js';
import { openStorage } from '../../src/storage/open.js';
import { azureService } from '../storage/azure/container.js';
import { storageFolder } from '../support/backup.js';
import { expectWholeNode, startSite } from '../support/site.js';

const service = azureService();

/** All that a container holds, as it is decoded, in a local folder. */
async function copyOf(url: string): Promise<string> {
  const folder = storageFolder();
  const storage = openStorage({ url });
  for (const name of await storage.listFolders()) {
    for (const { handle } of await storage.listFolder(name)) {
      mkdirSync(dirname(join(folder, handle)), { recursive: true });
      writeFileSync(join(folder, handle), await storage.readAll(handle, 100_000_000));
    }
  }
  return folder;
}

it("is written gzip'd, as the stock tool's adapters do, and verified by another job", async () => {
  const { client, url } = await service.container();
  const { key } = service.server();
  const site = await startSite({ transactions: 600 }, { env: { AZURE_STORAGE_KEY: key } });
  const storage = { url };
  const results = await site.backUpAll({ storage });
  await expectWholeNode({ node: site.node, folder: await copyOf(url) }, results);

  let ofTheFormat = 0;
  for await (const { name } of client.listBlobsFlat({ includeUncommitedBlobs: true })) {
    if (!/\.(meta|manifest|chunk|proof)$/.test(name)) continue;
    ofTheFormat += 1;
    const content = await client.getBlobClient(name).downloadToBuffer();
    expect(gunzipSync(content).length).toBeGreaterThan(0);
  }
  expect(ofTheFormat).toBeGreaterThan(10);

  const { handle } = await startVerify(site.session.client, { storage });
  const coverage = await handle.result();
  expect(coverage).toMatchObject({ ok: true, complete: true, finding_count: 0 });
  expect(JSON.stringify((await handle.fetchHistory()).events)).not.toContain(key);
});
