/** A store that is busy, cut off, silent or wrong; behind a proxy that makes it so at each stage. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lease } from '../../../src/repository/lease.js';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { type Asked, type Fault, faultyProxy } from '../../support/servers/faulty-proxy.js';
import { until } from '../../support/until.js';

const server = s3Server();
const CONTENT = Buffer.alloc(13_000_000, 'content ');

const is = {
  begin: ({ method, path }: Asked) => method === 'POST' && /\?uploads/.test(path),
  part: ({ method, path }: Asked) => method === 'PUT' && /partNumber=2/.test(path),
  complete: ({ method, path }: Asked) => method === 'POST' && /uploadId=/.test(path),
  put: ({ method, path }: Asked) => method === 'PUT' && /small\.json\?x-id=PutObject/.test(path),
  read: ({ method, path }: Asked) => method === 'GET' && /\.json\?x-id=GetObject/.test(path),
  list: ({ method, path }: Asked) => method === 'GET' && /list-type=2/.test(path),
};

beforeEach(() => {
  vi.stubEnv('APTOS_BACKUP_STORAGE_SECONDS', '6');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A storage that was begun, and the same behind a proxy that does something to the first `times` requests of a kind. */
async function faulty(which: (asked: Asked) => boolean, fault: Fault, times = Infinity) {
  const bucket = await makeBucket(server);
  const direct = new BackupStorage(openS3(bucket.url('e1')));
  await direct.begin();
  await direct.createBackup('a_backup');
  let met = 0;
  const proxy = await faultyProxy(server.endpoint, (asked) => {
    if (!which(asked)) return undefined;
    met += 1;
    return met <= times ? fault : undefined;
  });
  const storage = new BackupStorage(openS3(bucket.url('e1', '', proxy)));
  const store = async (name: string, content: Uint8Array) => {
    const file = await storage.createFile('a_backup', name);
    try {
      await file.write(content);
      return await file.publish();
    } finally {
      await file.discard();
    }
  };
  return { ...bucket, direct, storage, store, met: () => met };
}

const slowDown: Fault = {
  status: 503,
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>',
};

describe('a store that asks for fewer requests', () => {
  it.each(['begin', 'part', 'complete', 'put', 'read', 'list'] as const)(
    'is asked again later for: %s',
    async (which) => {
      const { direct, storage, store, met } = await faulty(is[which], slowDown, 3);
      expect(await store('large.json', CONTENT)).toBe('created');
      expect(await store('small.json', CONTENT.subarray(0, 100))).toBe('created');
      const handle = 'a_backup/large.json';
      expect(CONTENT.equals(await storage.readAll(handle, 14_000_000))).toBe(true);
      expect((await storage.listFolder('a_backup')).length).toBe(2);
      expect(CONTENT.equals(await direct.readAll(handle, 14_000_000))).toBe(true);
      expect(met()).toBeGreaterThan(3);
    },
  );
});

describe('an upload that is cut off', () => {
  const stages = ['begin', 'part', 'complete', 'put'] as const;
  const faults = ['cut request', 'lose answer', 'cut answer', 'stall'] as const;
  /** An answer without a body cannot be cut in its middle. */
  const bodyless: string[] = ['part', 'put'];
  const cases = stages
    .flatMap((stage) => faults.map((fault) => ({ stage, fault })))
    .filter(({ stage, fault }) => fault !== 'cut answer' || !bodyless.includes(stage));
  it.each(cases)('goes on, and makes one file: $fault at $stage', async ({ stage, fault }) => {
    const { direct, store, met } = await faulty(is[stage], fault, 1);
    expect(await store('large.json', CONTENT)).toBe('created');
    expect(await store('small.json', CONTENT.subarray(0, 100))).toBe('created');
    expect(met()).toBeGreaterThan(1);
    expect(CONTENT.equals(await direct.readAll('a_backup/large.json', 14_000_000))).toBe(true);
    expect((await direct.listFolder('a_backup')).length).toBe(2);
    expect(await store('large.json', CONTENT)).toBe('exists');
  });

  it.each(['part', 'complete', 'put'] as const)(
    'for good leaves no file and no upload: %s',
    async (stage) => {
      const { direct, store, pending } = await faulty(is[stage], 'cut request');
      const name = stage === 'put' ? 'small.json' : 'large.json';
      const content = stage === 'put' ? CONTENT.subarray(0, 100) : CONTENT;
      const passing = { code: 'STORAGE_FAILED', retryable: true };
      await expect(store(name, content)).rejects.toMatchObject(passing);
      expect(await direct.listFolder('a_backup')).toEqual([]);
      expect(await pending()).toEqual([]);
    },
  );

  it('by a page that says that all is well is not taken for stored', async () => {
    const page: Fault = { status: 200, body: '<html>Welcome</html>', headers: {} };
    for (const stage of ['begin', 'part', 'complete', 'put'] as const) {
      const { direct, store, pending } = await faulty(is[stage], page);
      const name = stage === 'put' ? 'small.json' : 'large.json';
      const content = stage === 'put' ? CONTENT.subarray(0, 100) : CONTENT;
      await expect(store(name, content)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      expect(await direct.listFolder('a_backup')).toEqual([]);
      expect(await pending()).toEqual([]);
    }
  });
});

describe('a read', () => {
  it.each(['cut request', 'cut answer', 'stall', 'stall answer'] as const)(
    'that meets a fault goes on where it was: %s',
    async (fault) => {
      const { direct, storage } = await faulty(is.read, fault, 2);
      const file = await direct.createFile('a_backup', 'large.json');
      await file.write(CONTENT);
      await file.publish();
      const read = await storage.readAll('a_backup/large.json', 14_000_000);
      expect(CONTENT.equals(read)).toBe(true);
    },
  );

  it('that is cancelled while the store is silent ends at once', async () => {
    const { direct, storage, met } = await faulty(is.read, 'stall');
    const file = await direct.createFile('a_backup', 'x.json');
    await file.write(CONTENT.subarray(0, 100));
    await file.publish();
    const stop = new AbortController();
    const reading = storage.withSignal(stop.signal).readAll('a_backup/x.json', 100);
    const ended = expect(reading).rejects.toThrow('enough');
    await until('it is asked', () => met() > 0);
    stop.abort(new Error('enough'));
    await ended;
  });
});

describe('a store that stays silent', () => {
  it('is given up after its deadline, and the same may be asked later', async () => {
    const { storage } = await faulty(is.list, 'stall');
    const stalled = { code: 'STORAGE_STALLED', retryable: true };
    await expect(storage.listFolder('a_backup')).rejects.toMatchObject(stalled);
  });
});

/** What a server answers that does not know the condition of a create: it says that it was done. */
function ignoring(method: 'PUT' | 'POST') {
  const seen = new Set<string>();
  return (asked: Asked): Fault | undefined => {
    if (asked.method !== method) return undefined;
    if (method === 'POST') {
      const done = { status: 200, body: '<R><ETag>"0"</ETag></R>' };
      return { change: (status, body) => (status === 412 ? done : { status, body }) };
    }
    if (seen.has(asked.path)) return { status: 200, headers: { etag: '"0"' } };
    seen.add(asked.path);
    return undefined;
  };
}

describe('a store that is not fit', () => {
  it.each([
    ['an object', 'PUT'],
    ['an object of many parts', 'POST'],
  ] as const)(
    'is refused: it does not keep the condition when it creates %s',
    async (_, method) => {
      const { name, url, s3 } = await makeBucket(server);
      const proxy = await faultyProxy(server.endpoint, ignoring(method));
      const storage = new BackupStorage(openS3(url('new', '', proxy)));
      const unfit = {
        code: 'STORAGE_UNFIT',
        message: expect.stringContaining('conditional create') as string,
      };
      await expect(storage.begin()).rejects.toMatchObject(unfit);
      await expect(storage.requireFit()).rejects.toMatchObject(unfit);
      const { Contents } = await s3.listObjectsV2({ Bucket: name, Prefix: 'new/' });
      expect(Contents ?? []).toEqual([]);
    },
  );
});

describe('a wrong', () => {
  it('bucket is named, and never made', async () => {
    const { s3 } = await makeBucket(server);
    const storage = new BackupStorage(openS3(`s3://no-such-bucket/e1?endpoint=${server.endpoint}`));
    const missing = { code: 'STORAGE_MISSING', retryable: false };
    await expect(storage.begin()).rejects.toMatchObject(missing);
    await expect(storage.listMetadata()).rejects.toMatchObject(missing);
    const { Buckets } = await s3.listBuckets({});
    expect(Buckets!.map(({ Name }) => Name)).not.toContain('no-such-bucket');
  });

  it('key is told of in a sentence that shows no secret', async () => {
    const { url } = await makeBucket(server);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'hidden-secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'hidden-token');
    // Another address of the same server: a client of its own.
    const proxy = await faultyProxy(server.endpoint, () => undefined);
    const storage = new BackupStorage(openS3(url('e1', '', proxy)));
    for (const [ask, code] of [
      [() => storage.listFolders(), 'DENIED'],
      [() => storage.stat('a_backup/x'), 'DENIED'],
      [() => storage.begin(), 'PLACE_UNUSABLE'],
    ] as const) {
      const error: unknown = await ask().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code });
      expect((error as Error).message).toContain('credentials');
      expect(inspect(error, { depth: 10 })).not.toMatch(/hidden|Signature=|Credential=/);
    }
  });

  it('set of no credentials at all is told of', async () => {
    const { url } = await makeBucket(server);
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    const proxy = await faultyProxy(server.endpoint, () => undefined);
    const storage = new BackupStorage(openS3(url('e1', '', proxy)));
    await expect(storage.listFolders()).rejects.toMatchObject({
      code: 'DENIED',
      message: expect.stringContaining('this host has no credentials') as string,
    });
  });

  it.each([
    [301, 'PermanentRedirect'],
    [400, 'AuthorizationHeaderMalformed'],
  ])('region is told of (%i)', async (status, code) => {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>x</Message></Error>`;
    const { storage } = await faulty(is.list, { status, body });
    await expect(storage.listFolders()).rejects.toMatchObject({
      code: 'PATH_INVALID',
      message: expect.stringContaining('in another region') as string,
    });
  });

  it('protocol is told of', async () => {
    const { url } = await makeBucket(server);
    const secure = server.endpoint.replace('http:', 'https:');
    const storage = new BackupStorage(openS3(url('e1', '', secure)));
    await expect(storage.listFolders()).rejects.toThrow('should its endpoint begin with http://?');
  });

  it('clock is told of', async () => {
    const body =
      '<?xml version="1.0"?><Error><Code>RequestTimeTooSkewed</Code><Message>x</Message></Error>';
    const { storage } = await faulty(is.list, { status: 403, body });
    await expect(storage.listFolders()).rejects.toThrow('the clock of this host');
  });
});

it('Credentials that were rotated are read again.', async () => {
  const expired: Fault = {
    status: 400,
    body: '<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>x</Message></Error>',
  };
  const { storage } = await faulty(is.list, expired, 1);
  expect(await storage.listFolders()).toEqual(['aptos-backup', 'metadata'].slice(0, 1));
});

it('A store that lets nobody delete keeps backups all the same.', async () => {
  const denied: Fault = {
    status: 403,
    body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>x</Message></Error>',
  };
  const bucket = await makeBucket(server);
  const proxy = await faultyProxy(server.endpoint, ({ method }) =>
    method === 'DELETE' ? denied : undefined,
  );
  const storage = new BackupStorage(openS3(bucket.url('e1', '', proxy)));
  await storage.begin();
  await storage.requireFit();
  const folder = await storage.createBackup('a_backup');
  const file = await storage.createFile(folder, 'x.chunk');
  await file.write(CONTENT);
  expect(await file.publish()).toBe('created');
  await file.discard();
  await expect(storage.removeFile('a_backup/x.chunk')).rejects.toMatchObject({ code: 'DENIED' });
  expect(await storage.removeFileIfAllowed('a_backup/x.chunk')).toBe(false);
  expect(await storage.removeFolderIfAllowed('a_backup')).toBe(false);
  for (const owner of ['first', 'second', 'third']) {
    const lease = new Lease(storage, 'commit', { owner, host: owner, workflow: owner });
    expect(await lease.claim()).toBeUndefined();
    expect(await lease.renew()).toBeUndefined();
    await lease.release();
  }
});
