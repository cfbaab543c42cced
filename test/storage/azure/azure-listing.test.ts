import { describe, expect, it } from 'vitest';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import { openAzure } from '../../../src/storage/azure/open-azure.js';
import { forEachAtOnce } from '../../../src/lib/at-once.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { azureService, call } from './container.js';
import { get, list, put } from './objects.js';

const service = azureService();
const BLOBS = 2_500;

async function filled() {
  const { client, place } = await service.container();
  const names = Array.from({ length: BLOBS }, (_, i) => `${i}`.padStart(4, '0'));
  await forEachAtOnce(16, names, async (name) => {
    await client.getBlockBlobClient(`e1/many/${name}.chunk`).upload(name, name.length);
  });
  return { place, names };
}

describe('a listing', () => {
  it('has all of many pages, and only what is below the prefix of the storage', async () => {
    const { place, names } = await filled();
    const store = new AzureStore(place, { pageSize: 1000 });
    const { keys, objects, pages } = await list(store);
    expect(pages).toBe(3);
    expect(keys).toEqual(names.map((name) => `many/${name}.chunk`));
    const [first] = objects;
    expect(first?.bytes).toBe(4n);
    expect(first?.stamp).toBe((await store.head('many/0000.chunk', call()))?.stamp);
    expect((await list(store, 'many/00')).keys).toHaveLength(100);
    const elsewhere = new AzureStore({ ...place, prefix: 'e' }, { pageSize: 1000 });
    expect((await list(elsewhere)).keys).toEqual([]);

    // A page that cannot be had is tried again, and then the listing fails.
    let pagesAsked = 0;
    const endpoint = await service.behind(({ path }) => {
      if (!path.includes('comp=list')) return undefined;
      pagesAsked += 1;
      return pagesAsked === 1 ? undefined : 'cut answer';
    });
    const patience = { idleMs: 20_000, throttledMs: 2_000, tries: 2 };
    const broken = new AzureStore({ ...place, endpoint }, { pageSize: 1000, patience });
    await expect(list(broken)).rejects.toMatchObject({ retryable: true });
    expect(pagesAsked).toBe(3);
  });

  it.each([
    ['a page of a proxy that says that all is well', '<html>Welcome</html>'],
    ['no answer', ''],
    [
      'the same page again and again',
      '<?xml version="1.0"?><EnumerationResults><Blobs/><NextMarker>x</NextMarker></EnumerationResults>',
    ],
  ])('is an outage when there is %s, and no empty storage', async (_, body) => {
    const { place } = await service.container();
    const endpoint = await service.behind(() => ({ status: 200, body }));
    const patience = { idleMs: 20_000, throttledMs: 0, tries: 1 };
    const store = new AzureStore({ ...place, endpoint }, { patience });
    const outage = {
      code: 'STORAGE_FAILED',
      retryable: true,
      message: expect.stringContaining('not from Azure') as string,
    };
    await expect(list(store)).rejects.toMatchObject(outage);
    await expect(store.head('a_backup/x.chunk', call())).rejects.toMatchObject(outage);
    await expect(get(store, 'a_backup/x.chunk')).rejects.toMatchObject(outage);
  });

  it('passes over folder markers and keys of somebody else', async () => {
    const { client, url } = await service.container();
    const storage = new BackupStorage(openAzure(`${url}&encoding=plain`));
    await storage.begin();
    const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
    await file.write(Buffer.from('content'));
    await file.publish();
    for (const name of ['e1/', 'e1/a_backup/', 'e1/a_backup//x', 'other/y.chunk']) {
      await client.getBlockBlobClient(name).upload('', 0);
    }
    expect(await storage.listFolder('a_backup')).toEqual([
      { handle: 'a_backup/x.chunk', bytes: 7n, modified: expect.any(Number) as number },
    ]);
    expect((await storage.listFolders()).sort()).toEqual(['a_backup', 'aptos-backup']);
  });

  it('names folders, each once', async () => {
    const { place } = await service.container();
    const store = new AzureStore(place, { pageSize: 2 });
    const keys = ['a/x', 'a/y', 'a/z', 'b/x', 'b/c/y', 'top'];
    for (const key of keys) await put(store, key, Buffer.from(key));
    const folders: string[] = [];
    const objects: string[] = [];
    for await (const page of store.list('', { delimited: true }, call())) {
      folders.push(...page.folders);
      objects.push(...page.objects.map(({ key }) => key));
    }
    expect({ folders, objects }).toEqual({ folders: ['a', 'b'], objects: ['top'] });
  });
});
