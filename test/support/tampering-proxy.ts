import { createServer } from 'node:http';
import { listen } from './listen.js';

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
  return listen(server);
}
