/** The distance to what a node prunes next is told before anything is lost, and told as lost after. */
import { expect, it } from 'vitest';
import type { CoordinatorMemory, NodeView } from '../../src/plan/coordinator.js';
import { refreshAlarms } from '../../src/workflows/coordinator/alarms.js';
import { openMemory } from '../../src/workflows/coordinator/memory.js';
import { statusOf } from '../../src/workflows/coordinator/status.js';
import { coordinatorInput } from '../support/coordinator.js';

/** A node at version 10,000 that keeps the last 4,000 transactions and states. */
const PRUNING: Partial<NodeView> = {
  oldestVersion: '6000',
  ledgerWindow: '4000',
  oldestSnapshotEpoch: '7',
  stateWindow: '4000',
};

function memoryOf(stored: number, node: Partial<NodeView>): CoordinatorMemory {
  const memory: CoordinatorMemory = openMemory(coordinatorInput(), undefined, 0);
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

function alarms(stored: number, node: Partial<NodeView> = PRUNING): Record<string, string> {
  const memory = memoryOf(stored, node);
  refreshAlarms(memory, 1);
  return Object.fromEntries(memory.alarms.map(({ code, text }) => [code, text]));
}

it('a stream near the tip raises nothing', () => {
  expect(alarms(9_900)).toEqual({});
});

it('a stream that falls behind is told long before the edge', () => {
  expect(alarms(7_500)).toEqual({
    PRUNE_EDGE:
      'transaction 7500 is not stored yet and is 1500 versions (about 0.4 hours) from being pruned by the node',
  });
});

it('transactions that are gone are told as lost, the next ones as near the edge', () => {
  const { LOST, PRUNE_EDGE } = alarms(5_000);
  expect(LOST).toMatch(/^transactions 5000 to 5999 are not stored and the node no longer has them/);
  expect(PRUNE_EDGE).toMatch(/^transaction 6000 .* 0 versions/);
});

it('a snapshot that is not stored yet is told, too', () => {
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

it('the distance to the edge is in the status, also while all is well', () => {
  const status = (stored: number, node: Partial<NodeView> = PRUNING) => {
    const { streams } = statusOf(memoryOf(stored, node), {}, {}, undefined, 1);
    return [streams.epoch_ending, streams.state_snapshot, streams.transaction].map(
      ({ pruneEdge }) => pruneEdge,
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
