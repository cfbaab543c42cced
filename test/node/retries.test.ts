/**
 * The client repeats a request whose failure may pass, a few times. It reports a final failure at once.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NodeClient } from '../../src/node/client.js';
import { TRIES, pauseMs } from '../../src/node/retry.js';
import { listen } from '../support/listen.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A node that gives its answers in turn, repeats the last one, and records the times of requests. */
async function node(...answers: Answer[]) {
  const askedAt: number[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(askedAt.length, answers.length - 1)]!;
    askedAt.push(performance.now());
    answer(response, request);
  });
  const client = new NodeClient({
    address: await listen(server),
    retryPauseMs: 1,
    headersTimeoutMs: answers.includes(silent) ? 300 : 60_000,
    stallTimeoutMs: 60_000,
  });
  onTestFinished(() => client.close());
  return { client, askedAt };
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();
const reset: Answer = (_, request) => request.socket.resetAndDestroy();
const closed: Answer = (_, request) => request.socket.end();
const cutValue: Answer = (response) => {
  response.writeHead(200, { 'content-length': 8 });
  response.write(Buffer.alloc(3), () => response.socket?.resetAndDestroy());
};
const record = Buffer.from([0, 0, 0, 2, 7, 7]);
/** Gives some bytes of a stream, and closes the connection. */
const cutStream =
  (bytes: Buffer): Answer =>
  (response) => {
    response.writeHead(200);
    response.flushHeaders();
    if (bytes.length > 0) response.write(bytes);
    setTimeout(() => response.socket?.destroy(), 20);
  };
const silent: Answer = () => undefined;
const count: Answer = (response) => response.end(Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]));
const records: Answer = (response) => response.end(Buffer.concat([record, record]));

async function read(client: NodeClient, signal?: AbortSignal): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of client.transactions(0n, 2n, signal)) parts.push(part);
  return Buffer.concat(parts);
}
const fetchCount = (client: NodeClient) => client.stateItemCount(1n);

describe('the client requests a value again after', () => {
  it.each<[string, Answer]>([
    ['a reset', reset],
    ['a connection that closes', closed],
    ['status 500', status(500)],
    ['status 502', status(502)],
    ['status 503', status(503)],
    ['status 408', status(408)],
    ['status 429', status(429, { 'retry-after': '0' })],
    ['an answer that breaks off', cutValue],
    ['an answer of no bytes', status(200)],
  ])('%s', async (_, trouble) => {
    const { client, askedAt } = await node(trouble, trouble, count);
    expect(await fetchCount(client)).toBe(5n);
    expect(askedAt).toHaveLength(3);
  });
});

describe('the client requests a stream again after', () => {
  it.each<[string, Answer]>([
    ['a reset', reset],
    ['a connection that closes', closed],
    ['status 500', status(500)],
    ['headers without a byte', cutStream(Buffer.alloc(0))],
    ['a part of its first record', cutStream(record.subarray(0, 5))],
  ])('%s', async (_, trouble) => {
    const { client, askedAt } = await node(trouble, trouble, records);
    expect(await read(client)).toEqual(Buffer.concat([record, record]));
    expect(askedAt).toHaveLength(3);
  });
});

describe('a page with status 200, as proxies send it while a node is away,', () => {
  const html = { 'content-type': 'text/html; charset=utf-8' };
  const page: Answer = (response) =>
    response
      .writeHead(200, html)
      .end('<html><head><title>One moment,\n please</title></head><body>\u0000</body></html>');
  const endless: Answer = (response) => {
    response.writeHead(200, html);
    const more = setInterval(() => response.write('<p>wait</p>'), 10);
    response.on('close', () => clearInterval(more));
  };

  it('is requested again, even if the service has never answered before', async () => {
    const value = await node(page, page, count);
    expect(await fetchCount(value.client)).toBe(5n);
    expect(value.askedAt).toHaveLength(3);
    const stream = await node(page, records);
    expect(await read(stream.client)).toEqual(Buffer.concat([record, record]));
  });

  it('is reported with URL, status and its first words if it stays', async () => {
    const { client, askedAt } = await node(page);
    await expect(fetchCount(client)).rejects.toMatchObject({
      code: 'NODE_HTTP_STATUS',
      status: 200,
      message: expect.stringMatching(
        /^http:.*\/state_item_count\/1: status 200.*"One moment, please".*\(asked 6 times\)$/,
      ) as string,
    });
    expect(askedAt).toHaveLength(TRIES);
  });

  it('is not read for long when it has no end', async () => {
    const { client } = await node(endless, count);
    const begun = performance.now();
    expect(await fetchCount(client)).toBe(5n);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

describe('the client makes no second request after', () => {
  it.each<[string, Answer, (client: NodeClient) => Promise<unknown>, string]>([
    ['status 400', status(400), fetchCount, 'NODE_REFUSED'],
    ['status 404', status(404), fetchCount, 'NODE_REFUSED'],
    ['status 405', status(405), fetchCount, 'NODE_REFUSED'],
    ['silence', silent, fetchCount, 'NODE_TIMEOUT'],
    ['an answer of another kind', (r) => r.end('<html>'), fetchCount, 'NODE_BAD_ANSWER'],
    ['a clean end with too few records', (r) => r.end(record), read, 'NODE_SHORT'],
    ['a stream that breaks after a record', cutStream(record), read, 'NODE_STREAM_CUT'],
  ])('%s', async (_, trouble, ask, code) => {
    const { client, askedAt } = await node(trouble);
    await expect(ask(client)).rejects.toMatchObject({ code });
    expect(askedAt).toHaveLength(1);
  });
});

it('a request that fails each time is reported with its last error and the number of tries', async () => {
  const { client, askedAt } = await node(reset, status(503), status(500));
  await expect(fetchCount(client)).rejects.toMatchObject({
    code: 'NODE_HTTP_STATUS',
    status: 500,
    message: expect.stringMatching(
      /^http:.*\/state_item_count\/1: status 500.*\(asked 6 times\)$/,
    ) as string,
  });
  expect(askedAt).toHaveLength(TRIES);
});

it('the client waits as long as the node asks for', async () => {
  const { client, askedAt } = await node(status(429, { 'retry-after': '1' }), count);
  expect(await fetchCount(client)).toBe(5n);
  expect(askedAt[1]! - askedAt[0]!).toBeGreaterThan(950);
});

it('the client does not wait a day when the node asks for it by a date', async () => {
  const tomorrow = new Date(Date.now() + 86_400_000).toUTCString();
  const { client, askedAt } = await node(status(503, { 'retry-after': tomorrow }), count);
  expect(await fetchCount(client)).toBe(5n);
  expect(askedAt).toHaveLength(2);
});

it('an aborted signal ends a pause at once, with the reason of the signal', async () => {
  const { client, askedAt } = await node(status(503, { 'retry-after': '60' }));
  const stop = new AbortController();
  const reading = read(client, stop.signal);
  await expect.poll(() => askedAt.length).toBe(1);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(reading).rejects.toThrow('enough');
  expect(askedAt).toHaveLength(1);
});

it('pauses double up to a limit, and no two are the same', () => {
  const pauses = (nth: number) => Array.from({ length: 50 }, () => pauseMs(nth, 40, 250));
  expect(Math.max(...pauses(1))).toBeLessThanOrEqual(40);
  expect(Math.min(...pauses(3))).toBeGreaterThanOrEqual(80);
  expect(Math.max(...pauses(30))).toBeLessThanOrEqual(250);
  expect(new Set(pauses(2)).size).toBeGreaterThan(10);
});
