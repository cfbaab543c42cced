/** A meter lets through what its rate allows, in order, also when the rate changes while somebody waits. */
import { expect, it } from 'vitest';
import { Meter } from '../../../src/lib/host/meter.js';
import { until } from '../../support/until.js';

it('together, all who wait get no more than the rate, and nobody is passed over', async () => {
  const meter = new Meter(1_000);
  const over = new AbortController();
  const begun = performance.now();
  const passed = [0, 0, 0];
  const sum = () => passed.reduce((a, b) => a + b);
  const flow = async (i: number) => {
    for (;;) {
      await meter.pass(10, { signal: over.signal });
      passed[i]! += 10;
      const seconds = (performance.now() - begun) / 1_000;
      expect(sum()).toBeLessThanOrEqual(seconds * 1_000 + 10);
    }
  };
  const flows = passed.map((_, i) => flow(i));
  await until('much has passed', () => sum() >= 300);
  over.abort();
  for (const one of flows) await expect(one).rejects.toThrow(/abort/);
  expect(Math.max(...passed) - Math.min(...passed)).toBeLessThanOrEqual(10);
});

it('lets everything through without a rate, and nothing at 0; a new rate holds for those who wait', async () => {
  const meter = new Meter(undefined);
  for (let i = 0; i < 1_000; i += 1) await meter.pass(1_000_000);
  meter.perSecond = 0;
  const order: number[] = [];
  let signs = 0;
  const waiting = [1, 2, 3].map((i) =>
    meter.pass(1, { progress: () => (signs += 1) }).then(() => order.push(i)),
  );
  await until('all three show that they wait', () => signs >= 3);
  expect(order).toEqual([]);
  meter.perSecond = 1_000_000;
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
});

it('a wait ends with its signal', async () => {
  const meter = new Meter(0);
  const over = new AbortController();
  const waiting = meter.pass(1, { signal: over.signal });
  over.abort();
  await expect(waiting).rejects.toThrow(/abort/);
});

it('who gives up leaves no gap for those who come later', async () => {
  const meter = new Meter(0);
  const over = new AbortController();
  const given = Array.from({ length: 30 }, () => meter.pass(1, { signal: over.signal }));
  over.abort();
  for (const one of given) await expect(one).rejects.toThrow(/abort/);
  meter.perSecond = 1;
  let waits = 0;
  await meter.pass(1, { progress: () => (waits += 1) });
  expect(waits).toBe(0);
});
