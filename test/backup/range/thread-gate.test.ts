/** What a range thread holds of a node's limits ends with it, also what it only waits for. */
import { expect, it } from 'vitest';
import { GateForThread, gateOfThread } from '../../../src/backup/range/thread-gate.js';
import { GaveWay } from '../../../src/node/gate.js';
import { LimitedGate } from '../../../src/node/limited-gate.js';
import { until } from '../../support/until.js';

function gateOf(streams: number): LimitedGate {
  const gate = new LimitedGate('http://node', { short: () => undefined, spare: () => undefined });
  gate.limit();
  gate.grant({ streams }, performance.now() + 600_000);
  return gate;
}

it('a thread that dies while it waits for a stream never gets it, and what it had open is given back', async () => {
  const gate = gateOf(2);
  const others = await gate.stream();
  const thread = new GateForThread(gate, new AbortController().signal);
  expect(await thread.answer({ gate: 'stream', givesWay: true })).toBe(1);
  const waiting = thread.answer({ gate: 'stream', givesWay: true });
  expect(gate.wants({}).streams).toBe(3);
  thread.close();
  await expect(waiting).rejects.toThrow(/abort/);
  others.end();
  expect(gate.wants({}).streams).toBe(0);
});

it('a thread learns that its stream gives way, or is lost', async () => {
  const gate = gateOf(1);
  const main = new GateForThread(gate, new AbortController().signal);
  const thread = gateOfThread((question) => main.answer(question), 'http://node');
  const range = await thread.stream(undefined, true);
  const short = gate.stream();
  await until('it gives way', () => range.lost.aborted);
  expect(range.lost.reason).toBeInstanceOf(GaveWay);
  range.end();
  (await short).end();
  const [next, proof] = [await thread.stream(undefined, true), thread.stream()];
  await until('it gives way too', () => next.lost.aborted);
  next.end();
  const open = await proof;
  gate.grant({ streams: 1 }, performance.now());
  await until('it is lost', () => open.lost.aborted);
  expect(open.lost.reason).toMatchObject({ code: 'NODE_SHARE_LOST' });
});
