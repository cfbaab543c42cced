/**
 * The distance to the prune edge raises an alarm before anything is lost, and another one after a loss.
 * Lies are shown for a day.
 */
import { expect, it } from 'vitest';
import type { CoordinatorMemory, NodeView } from '../../../src/contract/coordinator-memory.js';
import { Memory } from '../../../src/workflows/coordinator/memory/memory.js';
import { openMemory } from '../../../src/workflows/coordinator/memory/open-memory.js';
import { statusOf } from '../../../src/workflows/coordinator/status.js';
import { coordinatorInput } from '../../support/coordinator.js';

/** A node at version 10,000 that keeps the last 4,000 transactions and states. */
const PRUNING: Partial<NodeView> = {
  oldestVersion: '6000',
  ledgerWindow: '4000',
  oldestSnapshotEpoch: '7',
  stateWindow: '4000',
};

function memoryOf(
  stored: number,
  node: Partial<NodeView>,
  input = coordinatorInput(),
): CoordinatorMemory {
  const memory: CoordinatorMemory = openMemory(input, undefined, 0);
  memory.survey = {
    storageId: 's',
    epochs: [{ first: '0', last: '9' }],
    versions: stored > 0 ? [{ first: '0', last: `${stored - 1}` }] : [],
    snapshots: ['0'],
    damaged: [],
    damagedCount: 0,
  };
  memory.node = { ended: '10', version: '10000', at: 1, versionsPerSecond: 1, ...node };
  return memory;
}

function alarms(
  stored: number,
  node: Partial<NodeView> = PRUNING,
  input = coordinatorInput(),
): Record<string, string> {
  const memory = memoryOf(stored, node, input);
  new Memory(memory).alarmsLookedAt(1);
  return Object.fromEntries(memory.alarms.map(({ code, text }) => [code, text]));
}

it('a stream near the tip raises no alarm', () => {
  expect(alarms(9_900)).toEqual({});
});

it('a stream that falls behind raises an alarm long before the prune edge', () => {
  expect(alarms(7_500)).toEqual({
    PRUNE_EDGE:
      'transaction 7500 is not stored yet and is 1500 versions (about 0.4 hours) from being pruned by the node',
  });
});

it('pruned transactions are reported as lost, and the next ones as near the prune edge', () => {
  const { LOST, PRUNE_EDGE } = alarms(5_000);
  expect(LOST).toMatch(/^transactions 5000 to 5999 are not stored and the node no longer has them/);
  expect(PRUNE_EDGE).toMatch(/^transaction 6000 .* 0 versions/);
});

it('a snapshot that is not stored yet raises the alarm, too', () => {
  const near = { ...PRUNING, snapshotLeft: { epoch: '8', versions: '100' } };
  expect(alarms(9_900, near)).toEqual({
    PRUNE_EDGE:
      'the state of epoch 8 is not stored yet and is 100 versions (about 0.0 hours) from being pruned by the node',
  });
  expect(alarms(9_900, { ...near, snapshotLeft: { epoch: '8', versions: '3900' } })).toEqual({});
  expect(alarms(9_900, { ...near, snapshotLeft: { epoch: '0', versions: '100' } })).toEqual({});
});

it('a node that prunes nothing is far from everything', () => {
  expect(alarms(1, {})).toEqual({});
});

it('the distance to the prune edge is in the status even while all is well', () => {
  const status = (stored: number, node: Partial<NodeView> = PRUNING) => {
    const { streams } = statusOf(memoryOf(stored, node), {}, {}, undefined, 1);
    return [streams.epoch_ending, streams.state_snapshot, streams.transaction].map(
      ({ prune_edge: pruneEdge }) => pruneEdge,
    );
  };
  const edge = (next: string, versions: number) => {
    return { next, versions, seconds: versions, window: 4000 };
  };
  expect(status(10_001)).toEqual([undefined, undefined, edge('10001', 4000)]);
  expect(status(7_500)).toEqual([undefined, undefined, edge('7500', 1500)]);
  const snapshot = { ...PRUNING, snapshotLeft: { epoch: '8', versions: '-5' } };
  expect(status(5_000, snapshot)).toEqual([undefined, edge('8', 0), edge('6000', 0)]);
  expect(status(1, {})).toEqual([undefined, undefined, undefined]);
});

it('with several nodes, versions that one has pruned are lost when the others lack them, too, or were silent for long', () => {
  const input = coordinatorInput({ node: ['http://a', 'http://b'] });
  const silent = (since: number) => ({ ...PRUNING, unasked: { nodes: ['http://b'], since } });
  expect(alarms(5_000, silent(1), input)).not.toHaveProperty('LOST');
  const forLong = alarms(5_000, silent(-3_600_000), input);
  expect(forLong['LOST']).toMatch(/^transactions 5000 to 5999 .*http:\/\/b could not be asked/);
  expect(alarms(5_000, PRUNING, input)['LOST']).toMatch(/no node has them any more/);
});

it('a lie is shown for a day, and as worse if all nodes lie', () => {
  const memory = new Memory(
    openMemory(coordinatorInput({ node: ['http://a', 'http://b'] }), undefined, 0),
  );
  const told = (now: number) => {
    memory.alarmsLookedAt(now);
    return memory.known.alarms.map(({ code, text, since }) => [code, text, since]);
  };
  const day = 24 * 60 * 60_000;
  memory.nodesLied([{ node: 'http://a', why: 'x', at: 0 }], 0);
  expect(told(0)).toEqual([['NODE_LIED', 'http://a at 1970-01-01T00:00:00.000Z: x', 0]]);
  memory.nodesLied([{ node: 'http://b', why: 'y', at: 1_000 }], 1_000);
  memory.nodesLied([{ node: 'http://gone', why: 'z', at: 1_000 }], 1_000);
  expect(told(1_000)).toEqual([
    ['ALL_NODES_LIED', expect.stringMatching(/^http:\/\/a .*: x; http:\/\/b .*: y$/), 1_000],
  ]);
  expect(told(day)).toEqual([['NODE_LIED', expect.stringMatching(/^http:\/\/b /), day]]);
  expect(told(day + 1_000)).toEqual([]);
});

it('a lie of the only node is reported like one of several nodes', () => {
  const memory = new Memory(openMemory(coordinatorInput({ node: 'http://a' }), undefined, 0));
  memory.nodesLied([{ node: 'http://a', why: 'x', at: 0 }], 0);
  memory.alarmsLookedAt(0);
  expect(memory.known.alarms.map(({ code }) => code)).toEqual(['NODE_LIED']);
});

it('a watch that failed is told in place of what the watch before it had found wrong', () => {
  const kept = memoryOf(9_900, { problem: 'the node does not answer' });
  const memory = new Memory(kept);
  memory.alarmsLookedAt(1);
  expect(kept.alarms.map(({ code }) => code)).toEqual(['NODE']);
  memory.alarmRaised('WATCH', 'the node serves another chain', 2);
  memory.alarmsLookedAt(2);
  expect(kept.alarms.map(({ code }) => code)).toEqual(['WATCH']);
});

it('a genesis that was just given as a trusted waypoint is not called unconfirmed', () => {
  const genesis = `0:${'ab'.repeat(32)}`;
  const kept = memoryOf(9_900, { unconfirmedGenesis: genesis });
  const memory = new Memory(kept);
  memory.configured({ ...kept.settings, concurrency: 9 });
  expect(kept.node?.unconfirmedGenesis).toBe(genesis);
  memory.configured({ ...kept.settings, trustWaypoints: [genesis] });
  expect(kept.node?.unconfirmedGenesis).toBeUndefined();
});
