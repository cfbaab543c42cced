import { once } from 'node:events';
import { type ServerHttp2Session, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** The answer to the first call of a client: an empty message. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** A Temporal server that lets clients connect, and answers nothing that they ask. `asked`: the calls. */
export async function silentTemporal(): Promise<{ address: string; asked: string[] }> {
  const asked: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined); // the client has left
    const call = headers[':path']?.split('/').at(-1) ?? '';
    if (call !== 'GetSystemInfo') return void asked.push(call);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(EMPTY_MESSAGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
