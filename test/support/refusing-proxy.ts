import { createServer, request } from 'node:http';
import { listen } from './listen.js';

/** A proxy before a node that answers some requests itself, with the status that `refuse` gives. */
export async function refusingProxy(
  node: string,
  refuse: (path: string) => number | undefined,
): Promise<string> {
  const server = createServer((asked, answer) => {
    const path = asked.url!;
    const status = refuse(path);
    if (status !== undefined) return void answer.writeHead(status).end();
    const forwarded = request(node + path, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    forwarded.end();
  });
  return listen(server);
}
