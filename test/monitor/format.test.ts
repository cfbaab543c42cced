/** Numbers as people read them. */
import { expect, it } from 'vitest';
import { bytes, duration } from '../../src/monitor/format.js';

it.each([
  [0, '0 B'],
  [48.82376581357186, '49 B'],
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [2_500_000_000, '2.5 GB'],
])('%d bytes are "%s"', (count, text) => {
  expect(bytes(count)).toBe(text);
});

it.each([
  [59.4, '59s'],
  [75, '1m15s'],
  [7_260, '2h1m'],
])('%d seconds are "%s"', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
