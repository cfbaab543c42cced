/** While a node is away, a proxy answers in its place. That does not make the address wrong. */
import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { NodeClient } from '../../src/node/client.js';
import { listen } from '../support/listen.js';

/** A service with an empty database, until it answers with a status. */
async function service() {
  let status = 200;
  const server = createServer((_, answer) => {
    answer.writeHead(status, { 'content-length': 1 }).end(Buffer.alloc(1));
  });
  return { address: await listen(server), becomes: (now: number) => void (status = now) };
}

it.each([
  [404, true],
  [403, true],
  [429, true],
  [400, false],
])(
  'a service that answered before is asked again after status %i: %s',
  async (status, retryable) => {
    const { address, becomes } = await service();
    const node = new NodeClient({ address });
    onTestFinished(() => node.close());
    expect(await node.dbState()).toBeUndefined();
    becomes(status);
    const refused = { code: retryable ? 'NODE_HTTP_STATUS' : 'NODE_REFUSED', retryable };
    await expect(node.dbState()).rejects.toMatchObject(refused);
    const other = new NodeClient({ address, known: true });
    onTestFinished(() => other.close());
    await expect(other.dbState()).rejects.toMatchObject(refused);
  },
);
