/** The gate of a process to a node whose use is limited. */
import { expect, it } from 'vitest';
import { LimitedGate, NOTHING } from '../../src/node/limited-gate.js';
import { until } from '../support/until.js';

const LIMITS = { streams: 4, requestsPerSecond: 100, bytesPerSecond: 1_000 };
const soon = () => performance.now() + 60_000;

function gateOf() {
  const told: string[] = [];
  const gate = new LimitedGate('http://node', {
    short: () => void told.push('short'),
    spare: () => void told.push('spare'),
  });
  return { gate, told };
}

it('lets everything through until it is limited, and nothing before the first grant', async () => {
  const { gate, told } = gateOf();
  for (let i = 0; i < 100; i += 1) await gate.stream();
  await gate.pass({ requests: 1_000, bytes: 1e9 });
  expect([gate.limited, told, gate.waitedMs]).toEqual([false, [], 0]);
  gate.limit();
  let passed = 0;
  const waiting = [gate.stream(), gate.pass({ requests: 1 }), gate.pass({ bytes: 1 })].map((one) =>
    one.then(() => (passed += 1)),
  );
  expect(gate.wants(LIMITS)).toMatchObject({ streams: 101, bytesPerSecond: 1_000 });
  expect(told).toContain('short');
  gate.grant({ streams: 101, requestsPerSecond: 100 }, soon());
  await Promise.all(waiting);
  expect(passed).toBe(3);
  expect(gate.waitedMs).toBeGreaterThan(0);
});

it('has no more streams open than granted, in the order in which they were asked for', async () => {
  const { gate, told } = gateOf();
  gate.limit();
  gate.grant({ streams: 2 }, soon());
  const [first, second] = [await gate.stream(), await gate.stream()];
  const order: string[] = [];
  const third = gate.stream().then((slot) => (order.push('third'), slot));
  const gone = new AbortController();
  const left = gate.stream(gone.signal);
  const fourth = gate.stream().then((slot) => (order.push('fourth'), slot));
  gone.abort(new Error('cancelled'));
  await expect(left).rejects.toThrow('cancelled');
  first.end();
  first.end(); // twice is once
  await third;
  expect(order).toEqual(['third']);
  // A smaller share closes nothing. What is open still counts as held, until it ends.
  gate.grant({ streams: 1 }, soon());
  expect(gate.giveBack(gate.wants(LIMITS)).streams).toBe(2);
  second.end();
  expect(told.at(-1)).toBe('spare');
  expect(order).toEqual(['third']);
  (await third).end();
  await fourth;
});

it('gives back what it does not use, and keeps what it does', async () => {
  const { gate } = gateOf();
  gate.limit();
  gate.grant(LIMITS, soon());
  await gate.stream();
  expect(gate.wants(LIMITS).bytesPerSecond).toBe(1_000); // nobody knows what a new stream brings
  gate.giveBack(gate.wants(LIMITS));
  const wants = gate.wants(LIMITS);
  expect(wants).toEqual({ streams: 1, requestsPerSecond: 5, bytesPerSecond: 50 });
  expect(gate.giveBack(wants)).toEqual(wants);
  await gate.pass({ bytes: 500 });
  expect(gate.wants(LIMITS).bytesPerSecond).toBeGreaterThan(50);
});

it('when a grant runs out, open streams are lost and nothing goes through until the next grant', async () => {
  const { gate } = gateOf();
  gate.limit();
  gate.grant({ streams: 1 }, performance.now() + 20);
  const slot = await gate.stream();
  await until('the slot is lost', () => slot.lost.aborted);
  expect(slot.lost.reason).toMatchObject({ code: 'NODE_STREAM_CUT' });
  slot.end();
  let passed = false;
  const next = gate.stream().then(() => (passed = true));
  await Promise.resolve();
  expect(passed).toBe(false);
  expect(gate.giveBack(NOTHING)).toEqual(NOTHING);
  gate.grant({ streams: 1 }, soon());
  await next;
});
