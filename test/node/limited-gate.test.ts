/** The gate of a process to a node whose use is limited. */
import { expect, it } from 'vitest';
import { notingWaits } from '../../src/node/gate-waits.js';
import { GaveWay } from '../../src/node/gate.js';
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
  const free = notingWaits(() => gate.pass({ requests: 1_000, bytes: 1e9 }));
  await free.answer;
  expect([gate.limited, told, free.waitedMs()]).toEqual([false, [], 0]);
  gate.limit();
  let passed = 0;
  const asked = notingWaits(() => gate.pass({ bytes: 1 }));
  const waiting = [gate.stream(), gate.pass({ requests: 1 }), asked.answer].map((one) =>
    one.then(() => (passed += 1)),
  );
  expect(gate.wants({ ...LIMITS, streams: 200 })).toMatchObject({
    streams: 101,
    bytesPerSecond: 1_000,
  });
  expect(gate.wants(LIMITS).streams).toBe(100); // above the limit, a longer line changes nothing
  expect(told).toContain('short');
  gate.grant({ streams: 101, requestsPerSecond: 100 }, soon());
  await Promise.all(waiting);
  expect(passed).toBe(3);
  expect([asked.waitedMs() > 0, free.waitedMs()]).toEqual([true, 0]);
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
  expect(slot.lost.reason).toMatchObject({ code: 'NODE_SHARE_LOST' });
  slot.end();
  let passed = false;
  const next = gate.stream().then(() => (passed = true));
  await Promise.resolve();
  expect(passed).toBe(false);
  expect(gate.giveBack(NOTHING)).toEqual(NOTHING);
  gate.grant({ streams: 1 }, soon());
  await next;
});

it('a stream that gives way is closed for a short one, which goes before all that give way', async () => {
  const { gate } = gateOf();
  gate.limit();
  gate.grant({ streams: 1 }, soon());
  const range = await gate.stream(undefined, true);
  const order: string[] = [];
  const next = gate.stream(undefined, true).then((slot) => (order.push('next range'), slot));
  expect(range.lost.aborted).toBe(false);
  const short = gate.stream().then((slot) => (order.push('short'), slot));
  expect(range.lost.reason).toBeInstanceOf(GaveWay);
  range.end();
  (await short).end();
  const last = await next;
  expect(order).toEqual(['short', 'next range']);
  // Another short one, while the share has become nothing: the range ends all the same, and others get its stream.
  gate.grant({ streams: 0 }, soon());
  expect(last.lost.reason).toBeInstanceOf(GaveWay);
});

it('a smaller share closes as many streams that give way as are too many, and no other', async () => {
  const { gate } = gateOf();
  gate.limit();
  gate.grant({ streams: 4 }, soon());
  const short = await gate.stream();
  const ranges = [true, true, true].map((givesWay) => gate.stream(undefined, givesWay));
  const slots = await Promise.all(ranges);
  gate.grant({ streams: 2 }, soon());
  expect([short, ...slots].map(({ lost }) => lost.aborted)).toEqual([false, true, true, false]);
  gate.grant({ streams: 2 }, soon());
  expect(slots[2]!.lost.aborted).toBe(false);
});

it('a full share with a line that never ends is no reason to ask for another one', async () => {
  const { gate, told } = gateOf();
  gate.limit();
  gate.grant({ streams: 4 }, soon());
  let running = 0;
  const jobs = Array.from({ length: 100 }, async () => {
    const slot = await gate.stream();
    running += 1;
    await Promise.resolve();
    slot.end();
  });
  await Promise.all(jobs);
  expect(running).toBe(100);
  expect(told).not.toContain('spare');
});
