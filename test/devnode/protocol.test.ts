/** The simulated node answers recorded requests in the same form as the real service. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { DevnodeOptions, Facts } from '../../src/devnode/devnode.js';
import { devnode } from '../support/backup.js';
import { ask, recordings, shape } from '../support/raw-http.js';

/** The ends of epochs and the tips of the recorded chain, and ours in their place. */
function translated(
  path: string,
  { epoch_ends: ends, version, state_items: items }: Facts,
): string {
  const numbers = new Map([
    ...[0, 43, 87, 138, 191, 240].map((end, i) => [`${end}`, `${ends[i]}`] as const),
    ['239', `${ends[5]! - 1}`],
    ['250', `${version}`],
    ['251', `${version + 1}`],
    ['260', `${version - 3}`],
    ['264', `${version + 1}`],
    ['363', `${version + 100}`],
    ['295', `${items - 5}`],
    ['300', `${items}`],
    ['1300', `${items + 1000}`],
  ]);
  return path
    .split('/')
    .map((part) => numbers.get(part) ?? part)
    .join('/');
}

const CASES: [string, DevnodeOptions][] = [
  ['http', {}],
  ['empty-http', { empty: true }],
];

describe.each(CASES)('a simulated node, compared with the recording %s,', (folder, options) => {
  it('has the statuses, headers and framing of the real service', async () => {
    const node = await devnode({ transactions: 250, epochs: 6, ...options });
    let compared = 0;
    for (const recorded of recordings(folder)) {
      if (/state_range_proof\/[0-9]+\/[0-9a-fA-F]{64}/.test(recorded.path)) continue;
      // The real node had some versions above the committed one that nobody had signed yet.
      if (/^\/state_(item_count|snapshot_chunk)\/250/.test(recorded.path)) continue;
      const path = translated(recorded.path, node.facts());
      const answer = await ask(node.address, recorded.method, path);
      compared += 1;
      const racy = recorded.status_line === null || recorded.clean_end === false;
      if (racy && recorded.method === 'GET') {
        // No status line, or a 200 that breaks off: two forms of the same failure.
        expect(answer?.clean ?? false, path).toBe(false);
        continue;
      }
      expect(answer?.status, path).toBe(recorded.status_line);
      expect(shape(answer!.headers), path).toEqual(shape(recorded.headers!));
      if (recorded.status_line?.includes('200') && recorded.body_bytes === 0) {
        expect(answer!.body.length, path).toBe(0);
      }
    }
    expect(compared).toBeGreaterThan(8);
  });
});

it('a simulated node flushes a stream whenever it holds 10 KiB', async () => {
  const node = await devnode({ transactions: 300 });
  const answer = await ask(node.address, 'GET', '/transactions/1/300');
  expect(answer!.chunks.length).toBeGreaterThan(5);
  for (const size of answer!.chunks.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(10_240);
});

it('requests for pruned history fail, and requests that need none of it succeed', async () => {
  const node = await devnode({ transactions: 900, epochs: 6, pruneWindow: 200 });
  const { epoch_ends: ends, version } = node.facts();
  const kept = version - 200;
  const status = async (path: string) => (await ask(node.address, 'GET', path))?.status;
  const clean = async (path: string) => (await ask(node.address, 'GET', path))?.clean ?? false;
  expect(await clean(`/transactions/${kept - 1}/300`)).toBe(false);
  expect(await clean(`/transactions/${kept}/10`)).toBe(true);
  expect(await status(`/transaction_range_proof/0/${version}`)).toContain('200');
  expect(await status(`/transaction_range_proof/${kept - 5}/${version}`)).toContain('500');
  expect(await status('/transaction_range_proof/0/100')).toContain('500');
  expect(await status(`/state_item_count/${ends[1]}`)).toContain('500');
  expect(await clean(`/state_snapshot_chunk/${ends[1]}/0/5`)).toBe(false);
  expect(await clean('/epoch_ending_ledger_infos/0/6')).toBe(true);
});

it('a simulated node serves 64 streams, and the next one gets its headers and waits', async () => {
  const node = await devnode({ transactions: 60 });
  node.fault({ kind: 'stall', endpoint: 'transactions', times: 64 });
  const { hostname, port } = new URL(node.address);
  const open = (path: string) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.on('data', (part) => (received += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    return { socket, received: () => received };
  };
  const streams = Array.from({ length: 64 }, () => open('/transactions/0/60'));
  await expect.poll(() => node.faults()[0]!.fired).toBe(64);
  const late = open('/transactions/0/1');
  await expect.poll(() => late.received()).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n$/s);
  const value = await ask(node.address, 'GET', '/db_state');
  expect(value?.body.length).toBe(17);
  streams[0]!.socket.destroy();
  await expect.poll(() => late.received()).toMatch(/\r\n0\r\n\r\n$/);
  for (const { socket } of [...streams, late]) socket.destroy();
});

it('the same seed gives the same chain, and another seed gives another chain', async () => {
  const [a, b, other] = [await devnode({ seed: 9 }), await devnode({ seed: 9 }), await devnode({})];
  const proof = async (node: { address: string }) =>
    (await ask(node.address, 'GET', '/transaction_range_proof/0/100'))!.body.toString('hex');
  expect(await proof(a)).toBe(await proof(b));
  expect(await proof(a)).not.toBe(await proof(other));
  expect(a.grow({ transactions: 100, epochs: 1 })).toEqual(
    b.grow({ transactions: 100, epochs: 1 }),
  );
});

it('the fault `throttle` answers 429 and 503, and says when to come back if it is set', async () => {
  const node = await devnode({ transactions: 60 });
  node.fault({ kind: 'throttle', retry_after: 7 });
  const heads = [];
  for (let i = 0; i < 20; i += 1) heads.push((await fetch(`${node.address}/db_state`)).status);
  expect(new Set(heads)).toEqual(new Set([429, 503]));
  const told = await fetch(`${node.address}/db_state`);
  expect(told.headers.get('retry-after')).toBe('7');
  node.clearFaults();
  node.fault({ kind: 'throttle' });
  const untold = await fetch(`${node.address}/db_state`);
  expect(untold.headers.get('retry-after')).toBeNull();
});

it('the fault `delay` delays an answer, and another fault can hit the same answer', async () => {
  const node = await devnode({ transactions: 60 });
  node.fault({ kind: 'delay', delay_ms: 50 });
  node.fault({ kind: 'error500' });
  for (let i = 0; i < 5; i += 1) {
    expect((await fetch(`${node.address}/db_state`)).status).toBe(500);
  }
  const [delay, error] = node.faults();
  expect([delay!.fired, error!.fired]).toEqual([5, 5]);
  expect(delay!.waited_ms).toBeGreaterThan(0);
  expect(delay!.waited_ms).toBeLessThanOrEqual(5 * 50);
});
