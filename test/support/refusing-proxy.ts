import { createServer, request } from 'node:http';
import { listen } from './listen.js';

/** A status, with headers or without. */
type Refusal = number | { status: number; headers: Record<string, string> };

/** A proxy before a node that answers some requests itself, with the status that `refuse` gives. */
export async function refusingProxy(
  node: string,
  refuse: (path: string) => Refusal | undefined,
): Promise<string> {
  const server = createServer((asked, answer) => {
    const path = asked.url!;
    const refusal = refuse(path);
    if (refusal !== undefined) {
      const { status, headers } =
        typeof refusal === 'number' ? { status: refusal, headers: {} } : refusal;
      return void answer.writeHead(status, headers).end();
    }
    const forwarded = request(node + path, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      given.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    forwarded.end();
  });
  return listen(server);
}
