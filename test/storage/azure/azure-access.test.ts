import {
  ContainerSASPermissions,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
} from '@azure/storage-blob';
import { describe, expect, it, vi } from 'vitest';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import { openAzure } from '../../../src/storage/azure/open-azure.js';
import { azureService, call } from './container.js';
import { get, list, put } from './objects.js';

const service = azureService();
const CONNECTION = 'AZURE_STORAGE_CONNECTION_STRING';
const bytes = Buffer.from('content');
const once = { patience: { idleMs: 20_000, throttledMs: 1_000, tries: 1 } };

/** What an operation fails with. */
async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  return work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: Error & { code: string }) => ({ code: error.code, message: error.message }),
  );
}

describe('credentials', () => {
  it('may be a connection string, which also says where the account is', async () => {
    const { place } = await service.container();
    const { account, key, endpoint } = service.server();
    const text = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`;
    vi.stubEnv('AZURE_STORAGE_KEY', 'not used');
    vi.stubEnv(CONNECTION, text);
    const store = new AzureStore({ ...place, endpoint: undefined });
    expect(await put(store, 'a/x.chunk', bytes)).toBe('created');
    const other = new AzureStore({ ...place, account: 'others' });
    const { code, message } = await failure(other.now(call()));
    expect(code).toBe('DENIED');
    expect(message).toContain(
      'names the account backups, but the storage is in the account others',
    );
    vi.stubEnv(CONNECTION, `AccountName=${account}`);
    const empty = await failure(new AzureStore(place).now(call()));
    expect(empty.message).toContain('neither AccountKey nor SharedAccessSignature');
  });

  it('may be a SAS token, which is never shown', async () => {
    const { place } = await service.container();
    const { account, key } = service.server();
    const signed = (permissions: string, expiresOn: Date) =>
      generateBlobSASQueryParameters(
        {
          containerName: place.container,
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn,
        },
        new StorageSharedKeyCredential(account, key),
      ).toString();
    vi.stubEnv('AZURE_STORAGE_KEY', '');
    const token = signed('racwdl', new Date(Date.now() + 3_600_000));
    vi.stubEnv('AZURE_STORAGE_SAS_TOKEN', `?${token}`);
    const store = new AzureStore(place);
    expect(await put(store, 'a/x.chunk', bytes)).toBe('created');
    expect(await get(store, 'a/x.chunk')).toEqual(bytes);
    expect((await list(store)).keys).toEqual(['a/x.chunk']);

    const readOnly = signed('rl', new Date(Date.now() + 3_600_000));
    vi.stubEnv('AZURE_STORAGE_SAS_TOKEN', readOnly);
    const denied = await failure(put(new AzureStore(place), 'a/y.chunk', bytes));
    expect(denied.code).toBe('DENIED');
    vi.stubEnv('AZURE_STORAGE_SAS_TOKEN', signed('racwdl', new Date(Date.now() - 60_000)));
    const expired = await failure(new AzureStore(place).now(call()));
    expect(expired.code).toBe('DENIED');
    for (const { message } of [denied, expired]) {
      expect(message).toContain('AZURE_STORAGE_SAS_TOKEN');
      expect(message).not.toContain('sig=');
      expect(message).not.toContain(new URLSearchParams(readOnly).get('sig'));
    }
  });

  it('that are wrong, or missing, are told in a sentence without them', async () => {
    const { place } = await service.container();
    const wrong = Buffer.from('a wrong key').toString('base64');
    vi.stubEnv('AZURE_STORAGE_KEY', wrong);
    const refused = await failure(new AzureStore(place).now(call()));
    expect(refused.code).toBe('DENIED');
    expect(refused.message).toContain('does not let us list its blobs with AZURE_STORAGE_KEY');
    expect(refused.message).not.toContain(wrong);
    expect((await failure(new AzureStore(place).head('x', call()))).code).toBe('DENIED');

    vi.stubEnv('AZURE_STORAGE_KEY', '');
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential');
    const none = await failure(
      new AzureStore({ ...place, endpoint: 'https://127.0.0.1:9' }).now(call()),
    );
    expect(none.code).toBe('DENIED');
    expect(none.message).toContain('no credentials were found');
    const plain = await failure(new AzureStore(place).now(call()));
    expect(plain.message).toContain('only sent over https');
  });

  it('are none for a public container', async () => {
    const { client, place } = await service.container();
    await put(new AzureStore(place), 'a/x.chunk', bytes);
    vi.stubEnv('AZURE_STORAGE_KEY', 'not used');
    const store = new AzureStore({ ...place, anonymous: true });
    expect((await failure(store.now(call()))).message).toContain('anonymous=true');
    await client.setAccessPolicy('container');
    expect(await get(store, 'a/x.chunk')).toEqual(bytes);
    expect((await list(store)).keys).toEqual(['a/x.chunk']);
  });
});

describe('a place that is wrong', () => {
  it('is told: no such container, nobody there, or a clock that is wrong', async () => {
    const { place } = await service.container();
    const missing = new AzureStore({ ...place, container: 'nowhere' });
    expect(await failure(missing.requireBucket(call()))).toMatchObject({ code: 'STORAGE_MISSING' });
    expect(await failure(missing.head('x', call()))).toMatchObject({ code: 'STORAGE_MISSING' });
    expect(await failure(put(missing, 'x', bytes))).toMatchObject({ code: 'STORAGE_MISSING' });
    const away = new AzureStore({ ...place, endpoint: 'http://127.0.0.1:9/backups' }, once);
    expect(await failure(away.head('x', call()))).toEqual({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('cannot be reached (ECONNREFUSED)') as string,
    });
    const secure = new AzureStore({
      ...place,
      endpoint: place.endpoint.replace('http:', 'https:'),
    });
    expect((await failure(secure.head('x', call()))).message).toContain('does not speak TLS');
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const headers = { date, 'x-ms-error-code': 'AuthenticationFailed' };
    const endpoint = await service.behind(() => ({ status: 403, headers }));
    const late = await failure(new AzureStore({ ...place, endpoint }, once).now(call()));
    expect(late.message).toContain('the clock of this host is 60 minutes ahead');
  });

  it.each([
    ['azblob://account/container/prefix?region=x', 'has no parameter "region"'],
    ['azblob://account/container?anonymous=yes', '"anonymous"'],
    ['azblob://account/container?endpoint=somewhere', '"endpoint"'],
    ['azblob://account/container?sas=x', 'no credentials in its URL'],
    ['azblob://account', 'azblob://account/container/prefix'],
  ])('is refused before anything is asked: %s', (url, why) => {
    expect(() => openAzure(url)).toThrow(why);
  });

  it('has the same id for everybody who names it the same way, and is described without parameters', () => {
    const one = openAzure('azblob://account/container/e1?gzip_level=1');
    const same = openAzure('azblob://account/container/e1/?encoding=plain');
    const other = openAzure('azblob://account/container/e2');
    expect(one.id).toBe(same.id);
    expect(one.id).not.toBe(other.id);
    expect(one.description).toBe('container azblob://account/container/e1');
  });
});
