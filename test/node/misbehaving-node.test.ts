/** Whatever a node does on the wire ends in one typed error with URL and place, and never in a hang. */
import { type Server, type Socket, createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { NodeClient, type NodeClientOptions } from '../../src/node/client.js';

let server: Server | undefined;
afterEach(async () => {
  const closing = server;
  server = undefined;
  if (!closing) return;
  closing.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await once(closing, 'close');
});
const sockets: Socket[] = [];

/** A server that answers every request with these raw bytes, then does `then`. */
async function raw(
  answer: string | Buffer,
  then: (socket: Socket) => void = (s) => s.end(),
  impatience: Partial<NodeClientOptions> = {},
): Promise<NodeClient> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      socket.write(answer);
      then(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return new NodeClient({
    address: `http://127.0.0.1:${port}/`,
    stallTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    minBytesPerSecond: 1000,
    floorWindowMs: 60_000,
    maxRecordBytes: 1000,
    retryPauseMs: 1,
    ...impatience,
  });
}

const HEAD = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const END = '0\r\n\r\n';
function record(length: number, claimed = length): Buffer {
  const bytes = Buffer.alloc(4 + length, 7);
  bytes.writeUInt32BE(claimed);
  return bytes;
}
const stream = (...parts: (string | Buffer)[]) =>
  Buffer.concat([Buffer.from(HEAD), ...parts.map((part) => Buffer.from(part))]);

async function drain(node: NodeClient, signal?: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const part of node.transactions(5n, 3n, signal)) bytes += part.length;
  return bytes;
}

const three = Buffer.concat([record(10), record(0), record(20)]);
const stay = () => undefined;

it('the client reads a whole stream', async () => {
  const node = await raw(stream(chunk(three), END));
  expect(await drain(node)).toBe(three.length);
});

const STREAMS: [string, string | Buffer, (s: Socket) => void, string, RegExp][] = [
  ['closes without a word', '', (s) => s.end(), 'NODE_ABORTED_BEFORE_FIRST_RECORD', /pruned/],
  ['closes after the headers', HEAD, (s) => s.end(), 'NODE_ABORTED_BEFORE_FIRST_RECORD', /pruned/],
  ['resets', HEAD, (s) => s.resetAndDestroy(), 'NODE_ABORTED_BEFORE_FIRST_RECORD', /./],
  [
    'breaks off',
    stream(chunk(record(10))),
    (s) => s.end(),
    'NODE_STREAM_CUT',
    /after 1 whole records, at byte 14/,
  ],
  ['ends inside a length', stream(chunk(Buffer.alloc(3)), END), stay, 'NODE_STREAM_CUT', /inside/],
  ['ends inside a record', stream(chunk(record(5, 9)), END), stay, 'NODE_STREAM_CUT', /inside/],
  ['ends short', stream(chunk(record(10)), END), stay, 'NODE_SHORT', /1 of the 3 records/],
  ['is empty', stream(END), stay, 'NODE_SHORT', /0 of the 3/],
  ['sends one more', stream(chunk(three), chunk(record(1)), END), stay, 'NODE_OVERLONG', /3 rec/],
  [
    'sends more bytes',
    stream(chunk(three), chunk(Buffer.alloc(2)), END),
    stay,
    'NODE_OVERLONG',
    /./,
  ],
  [
    'claims 4 GiB',
    stream(chunk(Buffer.concat([record(10), record(4, 0xffff_ffff)]))),
    stay,
    'NODE_RECORD_TOO_LARGE',
    /claims 4294967295 bytes.*after 1 whole records, at byte 18/,
  ],
  ['says nothing', '', stay, 'NODE_TIMEOUT', /no answer within/],
  ['stalls before the first byte', HEAD, stay, 'NODE_STALLED', /no byte for/],
  ['stalls inside a record', stream(chunk(record(5, 9))), stay, 'NODE_STALLED', /at byte 9/],
  [
    'trickles',
    stream(chunk(record(0, 900))),
    (s) => {
      const timer = setInterval(() => s.write(chunk(Buffer.alloc(1))), 60);
      s.once('close', () => clearInterval(timer));
    },
    'NODE_TOO_SLOW',
    /bytes a second/,
  ],
  ['speaks something else', 'SSH-2.0-OpenSSH_9.6\r\n', stay, 'NODE_BAD_ANSWER', /not HTTP/],
  [
    'breaks the framing of its chunks',
    `${HEAD}zz\r\n`,
    stay,
    'NODE_ABORTED_BEFORE_FIRST_RECORD',
    /./,
  ],
  ['errs', 'HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n', stay, 'NODE_HTTP_STATUS', /500/],
];

/** Only whoever waits for a silence or for slowness is quick to see it: a slow machine makes pauses of its own. */
const IMPATIENCE: Record<string, Partial<NodeClientOptions>> = {
  NODE_TIMEOUT: { headersTimeoutMs: 400 },
  NODE_STALLED: { stallTimeoutMs: 400 },
  NODE_TOO_SLOW: { floorWindowMs: 500 },
};

describe('a stream that', () => {
  it.each(STREAMS)('%s', async (_, answer, then, code, message) => {
    const node = await raw(answer, then, IMPATIENCE[code]);
    const error = await drain(node).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error).toMatchObject({ name: 'NodeError', code, retryable: true });
    expect(error?.message).toMatch(message);
    expect(error?.message).toMatch(/^http:.*\/transactions\/5\/3: /);
  });
});

describe('a value that', () => {
  const value = (body: Buffer, length = body.length) =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`), body]);

  it('is whole is read, also above 2^53', async () => {
    const state = Buffer.alloc(17, 0xfe);
    state[0] = 1;
    const node = await raw(value(state), stay);
    const u64 = 0xfefe_fefe_fefe_fefen;
    expect(await node.dbState()).toEqual({ epoch: u64, committedVersion: u64 });
  });
  it('comes from a node without genesis gives undefined', async () => {
    const node = await raw(value(Buffer.from([0])), stay);
    expect(await node.dbState()).toBeUndefined();
  });
  it.each([
    ['is something else', value(Buffer.from('<html>')), 'NODE_BAD_ANSWER'],
    ['is too long', value(Buffer.alloc(18, 1)), 'NODE_BAD_ANSWER'],
    ['breaks off', value(Buffer.alloc(5), 17), 'NODE_STREAM_CUT'],
  ])('%s', async (_, answer, code) => {
    const node = await raw(answer);
    await expect(node.dbState()).rejects.toMatchObject({ code, retryable: true });
  });
  it.each([
    ['404 Not Found', 'content-length: 0'],
    ['400 Bad Request', 'content-length: 0'],
    ['302 Found', 'location: /elsewhere'],
    ['101 Switching Protocols', 'connection: upgrade\r\nupgrade: x'],
  ])('is answered with %s is not requested again', async (status, header) => {
    const node = await raw(`HTTP/1.1 ${status}\r\n${header}\r\n\r\n`, stay);
    await expect(node.dbState()).rejects.toMatchObject({
      code: 'NODE_REFUSED',
      retryable: false,
    });
  });
});

it('the client reports a service that does not speak TLS at an https address', async () => {
  await raw('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
  const { port } = server!.address() as { port: number };
  const node = new NodeClient({ address: `https://127.0.0.1:${port}` });
  await expect(drain(node)).rejects.toMatchObject({ code: 'NODE_UNREACHABLE' });
});

it('the client reports an address where nobody listens', async () => {
  const node = new NodeClient({ address: 'http://127.0.0.1:1' });
  await expect(drain(node)).rejects.toMatchObject({ code: 'NODE_UNREACHABLE', retryable: true });
});

it.each([
  ['before the answer', ''],
  ['inside the stream', stream(chunk(record(10)))],
])('the client stops long before its limits when it is cancelled %s', async (_, answer) => {
  const node = await raw(answer, stay);
  const stop = new AbortController();
  const reading = drain(node, stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(reading).rejects.toThrow('enough');
});

it('the client closes the stream when the reader stops early', async () => {
  const node = await raw(stream(chunk(record(10))), stay);
  for await (const part of node.transactions(5n, 3n)) {
    expect(part.length).toBe(14);
    break;
  }
  const [socket] = sockets;
  if (!socket!.destroyed) await once(socket!, 'close');
  expect(socket!.destroyed).toBe(true);
});

it('the client does not mistake a busy reader for a slow or stalled node', async () => {
  // Longer than the stall timeout and the window of the least rate, at a lower rate.
  const parts = [record(10), record(0), record(20)].map(chunk);
  const rest = (socket: Socket) => {
    setTimeout(() => socket.write(parts[1]!), 100);
    setTimeout(() => socket.write(Buffer.concat([parts[2]!, Buffer.from(END)])), 200);
  };
  const node = await raw(stream(parts[0]!), rest, { stallTimeoutMs: 400, floorWindowMs: 500 });
  let bytes = 0;
  for await (const part of node.transactions(5n, 3n)) {
    bytes += part.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
  expect(bytes).toBe(three.length);
});

it('the client slows down a node that is faster than its reader', async () => {
  // 64 MiB are offered. A reader that stops after the first part fills only buffers.
  let sent = 0;
  const node = await raw(HEAD, (socket) => {
    const part = chunk(Buffer.concat(Array.from({ length: 64 }, () => record(1000))));
    const push = () => {
      while (sent < 64 * 1024 * 1024) {
        sent += part.length;
        if (!socket.write(part)) return void socket.once('drain', push);
      }
    };
    push();
  });
  const parts = node.transactions(5n, 1_000_000n);
  await parts.next();
  let before = -1;
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(sent).toBeLessThan(16 * 1024 * 1024);
  await parts.return(undefined);
});
