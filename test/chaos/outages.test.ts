/**
 * The node, the Temporal server and the storage go away for 5, 20 and 60 seconds: first one after
 * another, then together. The storage goes first, in the middle of the first backups. The server comes last and
 * with pauses, because without it nothing asks for the others.
 */
import { expect, it } from 'vitest';
import { type ChaosEvent, type Strike, namesOf } from './plan.js';
import { reportLines } from './report.js';
import { runChaos } from './run.js';
import { UpSystem } from './system.js';

const node = (seconds: number): Strike => ({ kind: 'outage', target: 'node', seconds });
const server = (seconds: number): Strike => ({
  kind: 'outage',
  target: 'temporal server',
  seconds,
});
const storage = (seconds: number): Strike => ({ kind: 'storage', mode: 'away', seconds });

/** Seconds after the start. */
const OUTAGES: [at: number, strike: Strike][] = [
  [0, storage(5)],
  [8, node(5)],
  [14, server(5)],
  [28, node(20)],
  [30, storage(20)],
  [36, server(20)],
  [66, node(60)],
  [68, storage(60)],
  [73, server(60)],
];
const PLAN = OUTAGES.map(([at, strike], i): ChaosEvent => ({
  ...strike,
  number: i + 1,
  at: at * 1000,
}));

it('after outages of 5, 20 and 60 seconds everything goes on by itself where it stopped', async () => {
  const report = await runChaos({
    ...{ seed: 13, seconds: 140, plan: () => PLAN },
    build: (options) => Promise.resolve(new UpSystem(options)),
    say: (line) => console.log(line),
  });
  console.log(reportLines(report).join('\n'));
  for (const kind of ['outage node', 'outage temporal server', 'storage away']) {
    const same = report.events.filter(({ event }) => [...namesOf(event)].includes(kind));
    const met = same.reduce((sum, { evidence }) => sum + (evidence.met ?? 0), 0);
    expect(met, kind).toBeGreaterThan(0);
  }
}, 1_200_000);
