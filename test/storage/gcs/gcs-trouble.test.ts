import { describe, expect, it } from 'vitest';
import type { Patience } from '../../../src/storage/objects/patience.js';
import {
  anyCall,
  gcsServer,
  getObject,
  listAll,
  makeGcsBucket,
  proxyBefore,
  putObject,
} from '../../support/gcs-bucket.js';
import type { Asked, Fault } from '../../support/servers/faulty-proxy.js';

const server = gcsServer();

/** Of one who gives up soon. */
const IMPATIENT: Patience = { idleMs: 10_000, throttledMs: 0, tries: 1 };
/** Of one who tries again, but waits for no silent server. */
const SHORT: Patience = { idleMs: 2_000, throttledMs: 60_000, tries: 6 };

const LARGE = Buffer.alloc(9 * 1024 * 1024, 'large');
const isPart = ({ method }: Asked) => method === 'PUT';
const isRead = ({ path }: Asked) => path.includes('alt=media');

/** A store behind a proxy that does each fault once, and then only passes on. */
async function troubled(faults: (Fault | undefined)[], of: (asked: Asked) => boolean) {
  const { store } = await makeGcsBucket(server);
  const left = [...faults];
  const { endpoint, asked } = await proxyBefore(server, (request) =>
    of(request) ? left.shift() : undefined,
  );
  return { gcs: store(endpoint, SHORT), bare: store(), asked, left };
}

const throttles = [429, 503, 500, 502, 408].map((status) => ({ status }));
const forbids = {
  status: 403,
  body: '{"error":{"message":"slow down","errors":[{"reason":"rateLimitExceeded"}]}}',
};

describe('trouble that passes is waited for', () => {
  it('when GCS throttles or is out of order, in one request', async () => {
    const faults: Fault[] = [...throttles, forbids];
    const { gcs, left } = await troubled(faults, ({ method }) => method === 'POST');
    expect(await putObject(gcs, 'a/x.chunk', Buffer.from('content'))).toBe('created');
    expect(left).toEqual([]);
    expect((await getObject(gcs, 'a/x.chunk')).toString()).toBe('content');
  });

  it('when it happens to the parts of a large object', async () => {
    const { gcs, left } = await troubled(
      [{ status: 503 }, 'cut request', 'stall', { status: 500 }],
      isPart,
    );
    expect(await putObject(gcs, 'a/big.chunk', LARGE)).toBe('created');
    expect(left).toEqual([]);
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
  });

  it('when connections break while an object is read, which goes on from there', async () => {
    const faults: Fault[] = ['cut answer', 'cut request', 'stall answer', { status: 503 }];
    const { gcs, asked, left } = await troubled(faults, isRead);
    await putObject(gcs, 'a/big.chunk', LARGE);
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
    expect(left).toEqual([]);
    const [first, ...others] = asked.filter(isRead);
    expect(first?.headers.range).toBeUndefined();
    for (const { headers, path } of others) {
      expect(headers.range).toMatch(/^bytes=[1-9]\d*-$/);
      expect(path).toContain('generation=');
    }
  });

  it('when a listing is throttled', async () => {
    const { gcs, bare } = await troubled([{ status: 429 }, 'cut request'], ({ path }) =>
      path.includes('prefix='),
    );
    await putObject(bare, 'a/x.chunk', Buffer.from('content'));
    expect(await listAll(gcs)).toEqual(['a/x.chunk']);
  });

  it('and an operation gets on while it is', async () => {
    const { gcs } = await troubled([{ status: 503 }], () => true);
    const call = anyCall();
    await gcs.head('a/x.chunk', call);
    expect(call.progressed).toBeGreaterThan(1);
  });
});

describe('an answer that was lost', () => {
  it('about a small object is made up for: its writer has created it', async () => {
    const { gcs } = await troubled(['lose answer'], ({ method }) => method === 'POST');
    expect(await putObject(gcs, 'a/x.chunk', Buffer.from('content'))).toBe('created');
    expect(await putObject(gcs, 'a/x.chunk', Buffer.from('content'))).toBe('exists');
  });

  it('about the last part of a large one, too', async () => {
    const { gcs } = await troubled([undefined, 'lose answer'], isPart);
    expect(await putObject(gcs, 'a/big.chunk', LARGE)).toBe('created');
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
  });
});

describe('trouble that does not pass ends in one error that says what to do', () => {
  const always = async (fault: Fault) => {
    const { store } = await makeGcsBucket(server);
    const { endpoint } = await proxyBefore(server, () => fault);
    return store(endpoint, fault === 'stall' ? { ...IMPATIENT, idleMs: 1_000 } : IMPATIENT);
  };

  it.each([
    [{ status: 429 }, 'STORAGE_THROTTLED', 'still answers 429'],
    [{ status: 503 }, 'STORAGE_THROTTLED', 'still answers 503'],
    [{ status: 500 }, 'STORAGE_FAILED', 'still answers 500'],
    ['cut request', 'STORAGE_FAILED', 'cannot be reached (ECONNRESET)'],
    ['stall', 'STORAGE_STALLED', 'was silent for 1 s when asked to look at a/x.chunk'],
    [{ status: 302, body: '' }, 'STORAGE_FAILED', 'is the endpoint one of GCS?'],
    [{ status: 200, body: '<html>' }, 'STORAGE_FAILED', 'gave an answer that is not from GCS'],
    [{ status: 200, body: '{}' }, 'STORAGE_FAILED', 'gave an answer that is not from GCS'],
    [{ status: 403, body: '<html>' }, 'DENIED', 'leave anonymous=true out of its URL'],
    [
      { status: 403, body: '{"error":{"message":"x lacks storage.objects.get access."}}' },
      'DENIED',
      'does not let us look at a/x.chunk without credentials (x lacks storage.objects.get access)',
    ],
    [
      {
        status: 403,
        body: '{"error":{"message":"x is kept.","errors":[{"reason":"retentionPolicyNotMet"}]}}',
      },
      'DENIED',
      'does not let us look at a/x.chunk (x is kept): a retention policy or a hold protects',
    ],
    [{ status: 401 }, 'DENIED', 'without credentials'],
  ] as [Fault, string, string][])('%j', async (fault, code, says) => {
    const gcs = await always(fault);
    const looking = gcs.head('a/x.chunk', anyCall());
    await expect(looking).rejects.toMatchObject({
      code,
      message: expect.stringContaining(says) as string,
    });
    await expect(looking).rejects.toThrow(gcs.description);
  });

  it('when the endpoint is one of https and the server speaks http', async () => {
    const { store } = await makeGcsBucket(server);
    const gcs = store(server.endpoint.replace('http:', 'https:'), IMPATIENT);
    await expect(gcs.head('a/x.chunk', anyCall())).rejects.toThrow(
      'should its endpoint begin with',
    );
  });

  it('when an object is cut again and again', async () => {
    const { store } = await makeGcsBucket(server);
    await putObject(store(), 'a/big.chunk', LARGE);
    const { endpoint } = await proxyBefore(server, () => 'cut answer');
    await expect(getObject(store(endpoint, IMPATIENT), 'a/big.chunk')).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      retryable: true,
    });
  });

  it('when an object is replaced while it is read', async () => {
    const { store } = await makeGcsBucket(server);
    await putObject(store(), 'a/big.chunk', LARGE);
    const { endpoint } = await proxyBefore(server, (_, number) =>
      number === 1 ? 'cut answer' : undefined,
    );
    const parts = store(endpoint).get('a/big.chunk', anyCall())[Symbol.asyncIterator]();
    await parts.next();
    await putObject(store(), 'a/big.chunk', Buffer.from('other'), { ifAbsent: false });
    const rest = async () => {
      while (!(await parts.next()).done);
    };
    await expect(rest()).rejects.toThrow('replaced or removed while it was being read');
  });

  it('when the server dies in the middle of a large object, of which nothing is left', async () => {
    const { store } = await makeGcsBucket(server);
    const gcs = store(server.endpoint, IMPATIENT);
    const upload = await gcs.upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    await server.kill();
    await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      retryable: true,
    });
    await upload.abort();
    await server.restart();
    expect(await listAll(store())).toEqual([]);
    expect(await putObject(store(), 'a/big.chunk', LARGE)).toBe('created');
  });

  it('when GCS has forgotten an upload', async () => {
    const { store } = await makeGcsBucket(server);
    const upload = await store().upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    await server.kill();
    await server.restart();
    await upload.write(LARGE).catch(() => undefined);
    await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      retryable: true,
    });
    expect(await listAll(store())).toEqual([]);
  });
});

it('a cancelled job does not wait for a silent server, nor for a pause to end', async () => {
  const { store } = await makeGcsBucket(server);
  for (const fault of ['stall', { status: 503 }] as Fault[]) {
    const stop = new AbortController();
    const { endpoint } = await proxyBefore(server, (_, number) => {
      if (number === (fault === 'stall' ? 1 : 4)) stop.abort(new Error('enough'));
      return fault;
    });
    const looking = store(endpoint).head('a/x.chunk', anyCall(stop.signal));
    await expect(looking).rejects.toThrow('enough');
  }
});
