import { expect, it, describe } from 'vitest';
import { blockBytes } from '../../../src/storage/azure/azure-blocks.js';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import { until } from '../../support/until.js';
import { azureService, call } from './container.js';
import { content, get, list, put } from './objects.js';

const service = azureService();
const MIB = 1024 * 1024;
const BLOCK = 8 * MIB;
const LARGE = content(2 * BLOCK + 12_345, 7);
const OTHER = content(2 * BLOCK + 54_321, 8);
const KEY = 'a_backup/0-.chunk';

async function azure() {
  const { client, place } = await service.container();
  return { client, place, store: new AzureStore(place) };
}

/** An upload of which Azure holds blocks. */
async function begin(store: AzureStore, bytes: Uint8Array, signal?: AbortSignal) {
  const upload = await store.upload(KEY, call(signal));
  const before = (await store.pending('', call())).length;
  await upload.write(bytes);
  const isStaged = async () => (await store.pending('', call())).length > before;
  await until('Azure holds a block of it', isStaged);
  return upload;
}

describe('a large blob', () => {
  it('is sent while it is written, in blocks with a digest, and memory holds few of them', async () => {
    const { place, client } = await azure();
    let staged = 0;
    const endpoint = await service.behind(({ method, path }) => {
      if (method === 'PUT' && path.includes('comp=block&')) staged += 1;
      return undefined;
    });
    const store = new AzureStore({ ...place, endpoint });
    const upload = await store.upload(KEY, call());
    const piece = content(MIB, 3);
    for (let written = MIB; written <= 64 * MIB; written += MIB) {
      await upload.write(piece);
      // One is filled, and two may be on their way.
      expect(written - staged * BLOCK).toBeLessThanOrEqual(3 * BLOCK);
    }
    expect(await store.head(KEY, call())).toBeUndefined();
    expect((await list(store)).keys).toEqual([]);
    expect(await upload.complete({ ifAbsent: true })).toBe('created');
    expect((await store.head(KEY, call()))?.bytes).toBe(BigInt(64 * MIB));
    const { committedBlocks } = await client
      .getBlockBlobClient(`e1/${KEY}`)
      .getBlockList('committed');
    expect(committedBlocks?.map(({ size }) => size)).toEqual(Array<number>(8).fill(BLOCK));
  });

  it('comes back as it was written, whatever its size', async () => {
    const { store } = await azure();
    for (const bytes of [0, 1, BLOCK, BLOCK + 1, 2 * BLOCK]) {
      const key = `a_backup/${bytes}.chunk`;
      expect(await put(store, key, content(bytes, 5))).toBe('created');
      expect((await get(store, key)).equals(content(bytes, 5))).toBe(true);
    }
  });

  it('is stored as it is: nobody on the way would unpack it', async () => {
    const { store, client } = await azure();
    await put(store, KEY, LARGE);
    const { contentEncoding, contentType } = await client
      .getBlobClient(`e1/${KEY}`)
      .getProperties();
    expect(contentEncoding ?? '').toBe('');
    expect(contentType).toBe('application/octet-stream');
  });

  it('may be of terabytes and never has too many blocks', () => {
    let bytes = 0;
    let index = 0;
    for (let size = blockBytes(0); size !== undefined; size = blockBytes((index += 1))) {
      bytes += size;
    }
    expect(index).toBe(50_000);
    expect(bytes).toBeGreaterThan(2e12);
  });

  it('that is damaged on its way is refused by Azure, and never seen', async () => {
    const { store, client } = await azure();
    const blob = client.getBlockBlobClient(`e1/${KEY}`);
    const wrong = new Uint8Array(16);
    const id = Buffer.from('x').toString('base64');
    // That azurite checks what we send, too.
    await expect(
      blob.stageBlock(id, 'x', 1, { transactionalContentMD5: wrong }),
    ).rejects.toMatchObject({ statusCode: 400 });
    await expect(
      blob.upload('x', 1, { blobHTTPHeaders: { blobContentMD5: wrong } }),
    ).rejects.toMatchObject({ statusCode: 400 });
    expect((await list(store)).keys).toEqual([]);
  });
});

describe('two writers of one large blob', () => {
  it('do not disturb each other: one creates it whole, the other is told', async () => {
    const { store } = await azure();
    const writers = [LARGE, OTHER, content(BLOCK + 1, 9)];
    const outcomes = await Promise.all(writers.map((each) => put(store, KEY, each)));
    expect([...outcomes].sort()).toEqual(['created', 'exists', 'exists']);
    const winner = writers[outcomes.indexOf('created')]!;
    expect((await get(store, KEY)).equals(winner)).toBe(true);
  });

  it('that replaces one made meanwhile begins anew, as its blocks are gone', async () => {
    const { store } = await azure();
    const first = await begin(store, LARGE);
    expect(await put(store, KEY, OTHER)).toBe('created');
    expect(await first.complete({ ifAbsent: true })).toBe('exists');
    await expect(first.complete({ ifAbsent: false })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      retryable: true,
      message: expect.stringContaining('completed by another writer') as string,
    });
    await first.abort();
    expect((await get(store, KEY)).equals(OTHER)).toBe(true);
    expect(await put(store, KEY, LARGE, false)).toBe('created');
    expect((await get(store, KEY)).equals(LARGE)).toBe(true);
  });

  it('replaces one that was there before, also when it first wanted to create it', async () => {
    const { store } = await azure();
    await put(store, KEY, OTHER);
    const upload = await store.upload(KEY, call());
    await upload.write(LARGE);
    expect(await upload.complete({ ifAbsent: true })).toBe('exists');
    expect((await get(store, KEY)).equals(OTHER)).toBe(true);
    expect(await upload.complete({ ifAbsent: false })).toBe('created');
    expect((await get(store, KEY)).equals(LARGE)).toBe(true);
  });

  it('leave the other alone when one gives up', async () => {
    const { store } = await azure();
    const early = await begin(store, OTHER);
    const late = await begin(store, LARGE);
    await early.abort();
    expect(await late.complete({ ifAbsent: true })).toBe('created');
    expect((await get(store, KEY)).equals(LARGE)).toBe(true);
  });
});

describe('an upload that was not completed', () => {
  it('is listed as pending, with the time when it was begun', async () => {
    const { store } = await azure();
    const upload = await begin(store, LARGE);
    const now = await store.now(call());
    const [pending, ...others] = await store.pending('a_backup/', call());
    expect({ key: pending?.key, others }).toEqual({ key: KEY, others: [] });
    expect(Math.abs(now - pending!.begun)).toBeLessThan(60_000);
    expect(await store.pending('b_backup/', call())).toEqual([]);
    expect(await upload.complete({ ifAbsent: true })).toBe('created');
    expect(await store.pending('', call())).toEqual([]);
  });

  it('leaves nothing when it is given up or cancelled', async () => {
    const { store } = await azure();
    const stop = new AbortController();
    const cancelled = await begin(store, LARGE, stop.signal);
    stop.abort(new Error('enough'));
    await expect(cancelled.complete({ ifAbsent: true })).rejects.toThrow('enough');
    await cancelled.abort();
    await cancelled.abort();
    expect(await store.pending('', call())).toEqual([]);
    expect((await list(store)).keys).toEqual([]);
  });

  it('can be ended by anybody: its writer cannot complete it, and the next one can', async () => {
    const { store } = await azure();
    const upload = await begin(store, LARGE);
    for (const pending of await store.pending('', call()))
      await store.abortPending(pending, call());
    expect(await store.pending('', call())).toEqual([]);
    expect((await list(store)).keys).toEqual([]);
    await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({
      code: 'FOLDER_GONE',
      retryable: true,
    });
    await upload.abort();
    expect(await put(store, KEY, LARGE)).toBe('created');
  });

  it('can be ended, and its name be written, where nobody may delete', async () => {
    const { place } = await azure();
    const endpoint = await service.behind(({ method }) =>
      method === 'DELETE'
        ? { status: 403, headers: { 'x-ms-error-code': 'AuthorizationPermissionMismatch' } }
        : undefined,
    );
    const store = new AzureStore({ ...place, endpoint });
    for (const bytes of [LARGE, OTHER.subarray(0, 100)]) {
      const key = `a_backup/${bytes.length}.chunk`;
      const upload = await store.upload(key, call());
      await upload.write(LARGE);
      const isStaged = async () => (await store.pending('', call())).length > 0;
      await until('Azure holds a block of it', isStaged);
      await upload.abort();
      expect(await store.pending('', call())).toEqual([]);
      expect((await store.head(key, call()))?.bytes).toBe(0n); // what ended it could not be removed
      expect(await put(store, key, bytes)).toBe('created');
      expect((await get(store, key)).equals(bytes)).toBe(true);
      expect(await put(store, key, bytes)).toBe('exists');
    }
  });

  it('is not ended while a later writer of the name is there, which would lose its blocks', async () => {
    const { store } = await azure();
    const dead = await begin(store, OTHER);
    const [old] = await store.pending('', call());
    const later = await begin(store, LARGE);
    await store.abortPending({ ...old!, begun: old!.begun - 1 }, call());
    expect(await later.complete({ ifAbsent: true })).toBe('created');
    await dead.abort();
    expect((await get(store, KEY)).equals(LARGE)).toBe(true);
  });
});
