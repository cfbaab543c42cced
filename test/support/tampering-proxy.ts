import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A proxy before a node that changes answers in place, or gives others. */
export async function tamperingProxy(
  node: string,
  change: (path: string, answer: Buffer) => Buffer,
): Promise<string> {
  const server = createServer((asked, answer) => {
    const path = asked.url!;
    fetch(node + path)
      .then(async (given) => {
        const body = change(path, Buffer.from(await given.arrayBuffer()));
        const whole = given.headers.has('content-length');
        answer.writeHead(given.status, whole ? { 'content-length': body.length } : {});
        answer.end(body);
      })
      .catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
