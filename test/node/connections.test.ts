/** A client keeps few connections, and releases connections and signals that it no longer needs. */
import { type Socket, createServer } from 'node:net';
import { getEventListeners, once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { NodeClient } from '../../src/node/client.js';
import { until } from '../support/until.js';

/** A node that gives each request `answer`, and its connections. */
async function serve(
  answer: string,
  onRequest: (socket: Socket) => void = () => undefined,
  headersTimeoutMs = 20_000,
) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', () => {
      socket.write(answer);
      onRequest(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const address = `http://127.0.0.1:${port}`;
  const node = new NodeClient({ address, headersTimeoutMs, stallTimeoutMs: 20_000 });
  onTestFinished(() => {
    node.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { node, sockets };
}

const STREAM = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const EMPTY_RECORD = '4\r\n\0\0\0\0\r\n';
const END = '0\r\n\r\n';
const NO_STATE = 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\0';

/** As many streams as there are connections, each held open after its first record. */
async function occupy(node: NodeClient) {
  const streams = Array.from({ length: 8 }, () => node.transactions(0n, 2n));
  await Promise.all(streams.map((stream) => stream.next()));
  return streams;
}

it('the client uses at most 8 connections, and a request that waits for one does not time out', async () => {
  const { node, sockets } = await serve(STREAM + EMPTY_RECORD, undefined, 300);
  const streams = await occupy(node);
  const ninth = node.transactions(0n, 2n);
  const waiting = ninth.next();
  const quicker = await Promise.race([
    waiting.then(() => 'answered'),
    new Promise((resolve) => setTimeout(resolve, 600, 'still waiting')),
  ]);
  expect(quicker).toBe('still waiting');
  expect(sockets.size).toBe(8);
  await streams[0]!.return(undefined);
  expect((await waiting).value).toHaveLength(4);
  await Promise.all([...streams, ninth].map((stream) => stream.return(undefined)));
});

it('the client cancels a request that waits for a connection', async () => {
  const { node } = await serve(STREAM + EMPTY_RECORD);
  const streams = await occupy(node);
  const stop = new AbortController();
  const waiting = node.dbState(stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(waiting).rejects.toThrow('enough');
  await Promise.all(streams.map((stream) => stream.return(undefined)));
});

it('the client uses a connection again after a whole answer', async () => {
  const connections = new Set<Socket>();
  const { node } = await serve(NO_STATE, (socket) => connections.add(socket));
  for (let i = 0; i < 20; i += 1) await node.dbState();
  expect(connections.size).toBe(1);
});

it('the client closes the connection of an error answer whose content has no end', async () => {
  const { node, sockets } = await serve(
    'HTTP/1.1 500 Oops\r\n' + STREAM.split('\r\n').slice(1).join('\r\n'),
    (socket) => {
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 5);
      socket.once('close', () => clearInterval(timer));
    },
  );
  await expect(node.dbState()).rejects.toMatchObject({ code: 'NODE_HTTP_STATUS' });
  for (const socket of sockets) await once(socket, 'close');
});

it.each([
  ['a value', NO_STATE, (node: NodeClient, signal: AbortSignal) => node.dbState(signal)],
  [
    'an error',
    'HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n',
    (node: NodeClient, signal: AbortSignal) => node.dbState(signal),
  ],
  ['a stream', STREAM + EMPTY_RECORD + END, drain],
  ['a short stream', STREAM + END, drain],
  ['a stream left early', STREAM + EMPTY_RECORD, leave],
] as const)('the client leaves no listener on a signal after %s', async (_, answer, ask) => {
  const { node } = await serve(answer);
  const { signal } = new AbortController();
  for (let i = 0; i < 5; i += 1) await ask(node, signal).catch(() => undefined);
  await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([]);
});

async function drain(node: NodeClient, signal: AbortSignal): Promise<void> {
  for await (const part of node.transactions(0n, 1n, signal)) expect(part).toHaveLength(4);
}

async function leave(node: NodeClient, signal: AbortSignal): Promise<void> {
  const stream = node.transactions(0n, 2n, signal);
  await stream.next();
  await stream.return(undefined);
}

it('a retired client closes its idle connections, and the others when they become idle', async () => {
  let answers = 0;
  const { node, sockets } = await serve(STREAM + EMPTY_RECORD, (socket) => {
    answers += 1;
    if (answers === 1) socket.write(END);
  });
  for await (const bytes of node.transactions(0n, 1n)) expect(bytes).toBeDefined();
  const inUse = node.transactions(0n, 1n);
  const [first] = sockets;
  await inUse.next();
  node.retire();
  first!.write(END);
  for await (const bytes of inUse) expect(bytes).toBeDefined();
  await until('no connection is left', () => sockets.size === 0);
});
