/** A node prunes data while it sends it. The first attempt asks whether it is pruned, and says so. */
import { type ServerResponse, createServer } from 'node:http';
import { expect, it } from 'vitest';
import { TRIES } from '../../../src/node/retry.js';
import { type Target, backUp, devnode, storageFolder } from '../../support/backup.js';
import { listen } from '../../support/listen.js';

/**
 * A proxy before a node that prunes everything below `edge` in the middle of the first answer whose path
 * matches `prunes`. It may break off that answer with an invalid chunk header. It counts its refusals.
 */
async function pruningProxy(
  node: string,
  edge: number,
  { prunes, breaks }: { prunes: RegExp; breaks: boolean },
) {
  let pruned = false;
  const refused: string[] = [];
  const server = createServer((asked, answer) => {
    const path = asked.url!;
    if (pruned && isBelow(path, edge)) {
      refused.push(path);
      if (!/count|proof/.test(path)) return void answer.socket?.end();
      return void answer.writeHead(500).end();
    }
    const now = !pruned && prunes.test(path);
    pruned ||= now;
    fetch(node + path)
      .then(async (given) => {
        const body = Buffer.from(await given.arrayBuffer());
        answer.writeHead(given.status);
        if (now && breaks) breakOff(answer, body);
        else answer.end(body);
      })
      .catch(() => answer.destroy());
  });
  return { address: await listen(server), refused };
}

/** Two thirds of the answer, then an invalid HTTP chunk. */
function breakOff(answer: ServerResponse, body: Buffer): void {
  answer.write(body.subarray(0, Math.floor((body.length * 2) / 3)));
  setTimeout(() => answer.socket?.end('no chunk\r\n'), 50);
}

/** Like the service: a range proof from version 0 on needs no pruned data. */
function isBelow(path: string, edge: number): boolean {
  const [, endpoint, first] = path.split('/');
  if (!/^(transactions|transaction_range_proof|state_(item|snapshot|range))/.test(endpoint!)) {
    return false;
  }
  return Number(first) < edge && !(endpoint === 'transaction_range_proof' && first === '0');
}

const TRANSACTIONS: Target = { type: 'transaction', start_version: 100, num_transactions: 300 };
const STREAM = /^\/transactions\/100\/300$/;

it.each<[string, Target, { prunes: RegExp; breaks: boolean }, string]>([
  [
    'a stream that breaks',
    TRANSACTIONS,
    { prunes: STREAM, breaks: true },
    'transaction 100, but has transaction 400',
  ],
  [
    'a proof that is refused',
    TRANSACTIONS,
    { prunes: STREAM, breaks: false },
    'transaction 100, but has transaction 400',
  ],
  [
    'a snapshot that breaks',
    { type: 'state_snapshot', epoch: 1 },
    { prunes: /^\/state_snapshot_chunk\/\d+\/0\/[1-9]\d{3,}$/, breaks: true },
    'the state at version',
  ],
])('one attempt tells that the node has pruned the range: %s', async (_, target, how, lost) => {
  const node = await devnode({ transactions: 400, stateItems: 10_000 });
  const edge = target.type === 'transaction' ? 200 : node.facts().epoch_ends[1]! + 1;
  const { address, refused } = await pruningProxy(node.address, edge, how);
  const setup = { node: address, folder: storageFolder(), target, oneRange: true };
  const failed = await backUp({ ...setup, maxChunkSize: 10_000_000 }).catch((e: unknown) => e);
  expect(failed).toMatchObject({ code: 'NODE_PRUNED', retryable: true });
  const { message } = failed as Error;
  expect(message).toContain(`the node no longer has ${lost}`);
  expect(message).toMatch(/Its last refusal: http:.*(status 500|broke off).*\(asked 6 times\)/);
  // The refused request, and two more to learn whether the data is pruned.
  expect(refused.length).toBeGreaterThan(2 * TRIES - 1);
  expect(refused.length).toBeLessThanOrEqual(3 * TRIES);
});
