import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { PART_BYTES } from '../../../src/storage/gcs/gcs-upload.js';
import {
  anyCall,
  gcsServer,
  getObject,
  listAll,
  makeGcsBucket,
  proxyBefore,
  putObject,
} from '../../support/gcs-bucket.js';
import { listen } from '../../support/listen.js';
import { answerThrough } from '../../support/servers/faulty-proxy.js';

const server = gcsServer();
const MIB = 1024 * 1024;

/** Content whose every part is another. */
function content(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4096) made.writeUInt32LE(seed + at, at);
  made[bytes - 1] = seed;
  return made;
}

const LARGE = content(2 * PART_BYTES + 12_345, 7);
const OTHER = content(2 * PART_BYTES + 54_321, 8);

describe('a large object', () => {
  it('is sent while it is written, and memory holds two parts of it', async () => {
    const { store } = await makeGcsBucket(server);
    const { endpoint, asked } = await proxyBefore(server);
    const gcs = store(endpoint);
    const upload = await gcs.upload('a/big.chunk', anyCall());
    const piece = content(MIB, 3);
    for (let written = MIB; written <= 80 * MIB; written += MIB) {
      await upload.write(piece);
      const sent = asked.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(written - sent).toBeLessThanOrEqual(2 * PART_BYTES);
    }
    expect(await listAll(gcs)).toEqual([]);
    expect(await upload.complete({ ifAbsent: true })).toBe('created');
    const { bytes } = (await gcs.head('a/big.chunk', anyCall())) ?? {};
    expect(bytes).toBe(BigInt(80 * MIB));
    expect(asked.every(({ bytes: each }) => each <= PART_BYTES)).toBe(true);
  });

  it('comes back as it was written', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    for (const bytes of [0, 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES]) {
      const written = bytes === 0 ? Buffer.alloc(0) : content(bytes, 5);
      expect(await putObject(gcs, `a/${bytes}.chunk`, written)).toBe('created');
      expect((await getObject(gcs, `a/${bytes}.chunk`)).equals(written)).toBe(true);
    }
  });

  it('is begun with its condition, carries its digest, and no Content-Encoding', async () => {
    const { store } = await makeGcsBucket(server);
    const { endpoint, asked } = await proxyBefore(server);
    await putObject(store(endpoint), 'a/big.chunk', LARGE);
    const begun = asked.find(({ path }) => path.includes('uploadType=resumable'));
    expect(begun?.path).toContain('ifGenerationMatch=0');
    const parts = asked.filter(({ method }) => method === 'PUT');
    expect(parts.map(({ headers }) => headers['content-range'])).toEqual([
      `bytes 0-${PART_BYTES - 1}/*`,
      `bytes ${PART_BYTES}-${2 * PART_BYTES - 1}/*`,
      `bytes ${2 * PART_BYTES}-${LARGE.length - 1}/${LARGE.length}`,
    ]);
    expect(parts.map(({ headers }) => headers['x-goog-hash'])).toEqual([
      undefined,
      undefined,
      expect.stringMatching(/^md5=.{24}$/),
    ]);
    expect(asked.some(({ headers }) => headers['content-encoding'] !== undefined)).toBe(false);
  });

  it('goes through a proxy that has a path of its own', async () => {
    const { store } = await makeGcsBucket(server);
    const proxy = createServer((asked, answer) => {
      const [, path] = /^\/proxies\/gcs(\/.*)$/.exec(asked.url!) ?? [];
      if (path === undefined) return void answer.writeHead(404).end();
      asked.url = path;
      answerThrough(server.endpoint, asked, answer, () => undefined);
    });
    const gcs = store(`${await listen(proxy)}/proxies/gcs`);
    expect(await putObject(gcs, 'a/big.chunk', LARGE)).toBe('created');
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
    expect(await listAll(gcs)).toEqual(['a/big.chunk']);
  });

  it('has one creator when many race', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    const writers = [10, 11, 12].map((seed) => content(PART_BYTES + 1_000, seed));
    const outcomes = await Promise.all(writers.map((each) => putObject(gcs, 'a/race.chunk', each)));
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    const winner = writers[outcomes.indexOf('created')];
    expect((await getObject(gcs, 'a/race.chunk')).equals(winner ?? Buffer.alloc(0))).toBe(true);
  });

  it('replaces one that was found there, when it is asked to', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    await putObject(gcs, 'a/big.chunk', OTHER);
    const upload = await gcs.upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    expect(await upload.complete({ ifAbsent: true })).toBe('exists');
    expect((await getObject(gcs, 'a/big.chunk')).equals(OTHER)).toBe(true);
    expect(await upload.complete({ ifAbsent: false })).toBe('created');
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
  });

  it('never replaces one that appeared while it was written; the next attempt does', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    const upload = await gcs.upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    await putObject(gcs, 'a/big.chunk', OTHER);
    expect(await upload.complete({ ifAbsent: true })).toBe('exists');
    await expect(upload.complete({ ifAbsent: false })).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('made by another writer meanwhile') as string,
    });
    expect((await getObject(gcs, 'a/big.chunk')).equals(OTHER)).toBe(true);
    expect(await putObject(gcs, 'a/big.chunk', LARGE, { ifAbsent: false })).toBe('created');
    expect((await getObject(gcs, 'a/big.chunk')).equals(LARGE)).toBe(true);
  });

  it('is not made without its condition where another one was removed meanwhile', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    await putObject(gcs, 'a/big.chunk', OTHER);
    const upload = await gcs.upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    await gcs.remove('a/big.chunk', anyCall());
    await expect(upload.complete({ ifAbsent: true })).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('removed meanwhile') as string,
    });
    await upload.abort();
    expect(await listAll(gcs)).toEqual([]);
  });

  it('whose bytes were changed on the way is removed again, and told', async () => {
    const { store } = await makeGcsBucket(server);
    const { endpoint } = await proxyBefore(server, ({ method }) =>
      method === 'PUT' ? 'change request' : undefined,
    );
    await expect(putObject(store(endpoint), 'a/big.chunk', LARGE)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('stored other bytes') as string,
    });
    expect(await listAll(store())).toEqual([]);
  });
});

describe('an upload that is given up', () => {
  it('is cancelled at GCS, and leaves nothing', async () => {
    const { store } = await makeGcsBucket(server);
    const { endpoint, asked } = await proxyBefore(server);
    const gcs = store(endpoint);
    const upload = await gcs.upload('a/big.chunk', anyCall());
    await upload.write(LARGE);
    await upload.abort();
    await upload.abort();
    const cancels = asked.filter(({ method }) => method === 'DELETE');
    expect(cancels.map(({ path }) => path)).toEqual([expect.stringContaining('upload_id=')]);
    await expect(upload.complete({ ifAbsent: true })).rejects.toThrow('given up');
    expect(await listAll(gcs)).toEqual([]);
    expect(await gcs.pending()).toEqual([]);
  });

  it('by the end of its job sends nothing more', async () => {
    const gcs = (await makeGcsBucket(server)).store();
    const stop = new AbortController();
    const upload = await gcs.upload('a/big.chunk', anyCall(stop.signal));
    await upload.write(LARGE);
    stop.abort(new Error('enough'));
    await expect(upload.write(LARGE)).rejects.toThrow('enough');
    await expect(upload.complete({ ifAbsent: true })).rejects.toThrow('enough');
    await upload.abort();
    expect(await listAll(gcs)).toEqual([]);
  });

  it('in the middle of its last request leaves nothing', async () => {
    const { store } = await makeGcsBucket(server);
    const stop = new AbortController();
    const { endpoint } = await proxyBefore(server, ({ headers }) => {
      if (!headers['content-range']?.endsWith(`/${LARGE.length}`)) return undefined;
      stop.abort(new Error('enough'));
      return 'stall';
    });
    const upload = await store(endpoint).upload('a/big.chunk', anyCall(stop.signal));
    await upload.write(LARGE);
    await expect(upload.complete({ ifAbsent: true })).rejects.toThrow('enough');
    await upload.abort();
    expect(await listAll(store())).toEqual([]);
  });
});
