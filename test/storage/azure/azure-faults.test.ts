import { describe, expect, it } from 'vitest';
import { AzureStore } from '../../../src/storage/azure/azure-store.js';
import type { Asked, Fault } from '../../support/servers/faulty-proxy.js';
import { azureService, call } from './container.js';
import { content, get, list, put } from './objects.js';

const service = azureService();
const LARGE = content(20 * 1024 * 1024, 7);
const SMALL = Buffer.from('content');
const KEY = 'a_backup/0-.chunk';
const PATIENCE = { idleMs: 20_000, throttledMs: 60_000, tries: 3 };
/** For servers that fall silent. A slow machine may take an honest answer for a silence, so there are more tries. */
const OF_SILENCE = { ...PATIENCE, idleMs: 1_500, tries: 6 };
const BUSY: Fault = { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' } };

const isCreate = ({ method, path }: Asked) => method === 'PUT' && !path.includes('comp=');
const isBlock = ({ method, path }: Asked) => method === 'PUT' && path.includes('comp=block&');
const isCommit = ({ method, path }: Asked) => method === 'PUT' && path.includes('comp=blocklist');
const isRead = ({ method, path }: Asked) => method === 'GET' && path.endsWith('.chunk');

/** A store behind a proxy that does `fault` to the first `times` of some requests, and counts them. */
async function faulty(isIt: (asked: Asked) => boolean, fault: Fault, times = 1) {
  const { place } = await service.container();
  const met = { count: 0 };
  const endpoint = await service.behind((asked) => {
    if (!isIt(asked)) return undefined;
    met.count += 1;
    return met.count <= times ? fault : undefined;
  });
  const good = new AzureStore(place);
  const patience = fault === 'stall' || fault === 'stall answer' ? OF_SILENCE : PATIENCE;
  return { store: new AzureStore({ ...place, endpoint }, { patience }), good, met };
}

describe('what may pass', () => {
  it.each([
    ['a small blob', SMALL, isCreate],
    ['a block', LARGE, isBlock],
    ['a list of blocks', LARGE, isCommit],
  ] as const)('is tried again: %s, which a busy server refused', async (_, bytes, isIt) => {
    const { store, good, met } = await faulty(isIt, BUSY, 4);
    expect(await put(store, KEY, bytes)).toBe('created');
    expect(met.count).toBeGreaterThan(4);
    expect((await get(good, KEY)).equals(bytes)).toBe(true);
  });

  it.each([
    ['a small blob', SMALL, isCreate],
    ['a list of blocks', LARGE, isCommit],
  ] as const)(
    'does not make our own blob a foreign one: %s, whose answer was lost',
    async (_, bytes, isIt) => {
      const { store, good, met } = await faulty(isIt, 'lose answer');
      expect(await put(store, KEY, bytes)).toBe('created');
      expect(met.count).toBe(2);
      expect((await get(good, KEY)).equals(bytes)).toBe(true);
    },
  );

  it.each(['cut request', 'stall', 'lose answer'] as const)(
    'leaves a large blob whole after "%s" of a block',
    async (fault) => {
      const { store, good } = await faulty(isBlock, fault);
      expect(await put(store, KEY, LARGE)).toBe('created');
      expect((await get(good, KEY)).equals(LARGE)).toBe(true);
    },
  );

  it.each(['cut answer', 'stall answer'] as const)(
    'is read on where it ended, after "%s"',
    async (fault) => {
      const { store, good, met } = await faulty(isRead, fault, 2);
      await put(good, KEY, LARGE);
      expect((await get(store, KEY)).equals(LARGE)).toBe(true);
      expect(met.count).toBeGreaterThanOrEqual(3);
    },
  );

  it('is read on with the rest alone, where a proxy gives all of it again', async () => {
    const { place } = await service.container();
    const all = SMALL.toString().repeat(20_000);
    const headers = { etag: '"x"', 'content-length': `${all.length}` };
    const faults: Fault[] = ['cut answer', { status: 200, body: all, headers }];
    const endpoint = await service.behind((asked) => (isRead(asked) ? faults.shift() : undefined));
    await put(new AzureStore(place), KEY, Buffer.from(all));
    const store = new AzureStore({ ...place, endpoint }, { patience: PATIENCE });
    expect((await get(store, KEY)).toString()).toBe(all);
    expect(faults).toEqual([]);
  });

  it('is a fault when it does not pass: nothing is seen, and another attempt may succeed', async () => {
    const { store, good } = await faulty(isCommit, { status: 500 }, Infinity);
    await expect(put(store, KEY, LARGE)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      retryable: true,
    });
    expect((await list(good)).keys).toEqual([]);
    expect(await put(good, KEY, LARGE)).toBe('created');
  });

  it('is told as throttling when the server stays busy', async () => {
    const { place } = await service.container();
    const endpoint = await service.behind(() => BUSY);
    const patience = { ...PATIENCE, throttledMs: 1_000 };
    const store = new AzureStore({ ...place, endpoint }, { patience });
    await expect(store.head(KEY, call())).rejects.toMatchObject({
      code: 'STORAGE_THROTTLED',
      retryable: true,
    });
  });

  it('is told as a silence when nobody answers, and a cancelled job does not wait for that', async () => {
    const { store } = await faulty(() => true, 'stall', Infinity);
    await expect(store.head(KEY, call())).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
    const stop = new AbortController();
    const waiting = store.head(KEY, call(stop.signal));
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('a blob that is read', () => {
  it('is never mixed with another one that replaced it meanwhile', async () => {
    const { store, good } = await faulty(isRead, 'cut answer');
    await put(good, KEY, LARGE);
    const reading = store.get(KEY, call())[Symbol.asyncIterator]();
    await reading.next();
    await put(good, KEY, content(LARGE.length, 9), false);
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('was replaced or removed') as string,
    });
  });

  it('that is not there is NOT_FOUND', async () => {
    const { good } = await faulty(isRead, 'stall');
    await expect(get(good, KEY)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
