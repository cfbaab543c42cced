/**
 * A node that fails all the time, by FoundationDB's mix. Every kind of backup makes progress, nothing
 * wrong is stored, and nobody has to do anything.
 */
import { expect, it } from 'vitest';
import { PROFILES, shareOf } from './profiles.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';

const PROFILE = PROFILES['bad-node'];

it('the mix is 25 % errors, 30 % throttled, 15 % delayed and 1 % corrupted', () => {
  const share = (kind: (typeof PROFILE)[number]['kind']) => shareOf(PROFILE, kind);
  expect(share('error500')).toBeCloseTo(0.25, 2);
  expect(share('throttle')).toBeCloseTo(0.3, 2);
  expect(share('delay')).toBeCloseTo(0.15, 2);
  expect(share('flip')).toBeCloseTo(0.01, 2);
});

it('a coordinator catches up with a node that fails more than half of all requests', async () => {
  const report = await runChaos({
    ...{ seed: 14, seconds: 10, growth: 12, plan: () => [], throughout: PROFILE },
    build: (options) => Promise.resolve(new UpSystem(options)),
    say: (line) => console.log(line),
  });
  console.log(reportLines(report).join('\n'));
  expect(report.throughout.map(({ fault }) => fault.kind)).toEqual(PROFILE.map((f) => f.kind));
  for (const { fault, met } of report.throughout) expect(met, fault.kind).toBeGreaterThan(0);
}, 1_200_000);
