/** Everything that happens to a coordinator changes what it remembers in one place. */
import { describe, expect, it } from 'vitest';
import type {
  CoordinatorMemory,
  NodeView,
  Survey,
} from '../../../../src/contract/coordinator-memory.js';
import type { Target } from '../../../../src/contract/job.js';
import { Memory } from '../../../../src/workflows/coordinator/memory/memory.js';
import { openMemory } from '../../../../src/workflows/coordinator/memory/open-memory.js';
import { INPUT } from '../../../support/units.js';

const NOW = 1_000_000_000;
const NODE = INPUT.node;
const BATCH: Target = { type: 'transaction', first: '0', last: '99' };
const SNAPSHOT: Target = { type: 'state_snapshot', epoch: '7' };
const VIEW: NodeView = { ended: '8', version: '500', at: NOW, versionsPerSecond: 1 };

function memory(): Memory {
  return new Memory(openMemory(INPUT, undefined, NOW));
}

function survey(changes: Partial<Survey> = {}): Survey {
  const nothing = { epochs: [], versions: [], snapshots: [], damaged: [], damagedCount: 0 };
  return { storageId: 'abc', ...nothing, ...changes };
}

const failed = (code: 'NODE_PRUNED' | 'NODE_BEHIND' | 'RANGES_FAILED') => ({
  failed: { reason: 'the node said no', code },
});

describe('a unit that failed', () => {
  it('is tried again after a rest that grows with each failure', () => {
    const kept = memory();
    kept.unitEnded(BATCH, failed('RANGES_FAILED'), NOW, NOW);
    const [first] = kept.known.streams.transaction.failed;
    kept.unitEnded(BATCH, failed('RANGES_FAILED'), NOW, NOW);
    const [second, ...others] = kept.known.streams.transaction.failed;
    expect(others).toEqual([]);
    expect([first?.attempts, second?.attempts]).toEqual([1, 2]);
    expect(second!.retryAt).toBeGreaterThan(first!.retryAt);
  });

  it('is tried at once when somebody asks for it by its name', () => {
    const kept = memory();
    kept.unitEnded(BATCH, failed('RANGES_FAILED'), NOW, NOW);
    expect(kept.retryAsked('transaction/100-199')).toBe(0);
    expect(kept.retryAsked('transaction/0-99')).toBe(1);
    expect(kept.known.streams.transaction.failed[0]?.retryAt).toBe(0);
  });

  it('is forgotten when a survey shows that somebody else stored it', () => {
    const kept = memory();
    kept.unitEnded(BATCH, failed('RANGES_FAILED'), NOW, NOW);
    kept.surveyed(survey({ versions: [{ first: '0', last: '99' }] }), [], NOW);
    expect(kept.known.streams.transaction.failed).toEqual([]);
  });

  it('is given up when it is a snapshot that no node has any more, and an alarm says so', () => {
    const kept = memory();
    kept.unitEnded(SNAPSHOT, failed('NODE_PRUNED'), NOW, NOW);
    expect(kept.known.streams.state_snapshot).toMatchObject({ failed: [], givenUp: ['7'] });
    expect(kept.known.alarms).toMatchObject([{ code: 'SNAPSHOT_GIVEN_UP', since: NOW }]);
    expect(kept.retryAsked('state_snapshot/7')).toBe(1);
    // Asked for: the stream itself would go on with a newer one.
    expect(kept.known.streams.state_snapshot).toMatchObject({ givenUp: [], requested: [SNAPSHOT] });
  });

  it('is one of the newest that were given up: what goes from run to run is bounded', () => {
    const kept = memory();
    for (let epoch = 1; epoch <= 50; epoch += 1) {
      const target = { type: 'state_snapshot', epoch: `${epoch}` } as const;
      kept.unitEnded(target, failed('NODE_PRUNED'), NOW, NOW);
    }
    const { givenUp } = kept.known.streams.state_snapshot;
    expect([givenUp.length, givenUp.at(-1)]).toEqual([20, '50']);
  });

  it('is decided anew when the node does not have what it said it had', () => {
    const kept = memory();
    kept.unitEnded(BATCH, failed('NODE_BEHIND'), NOW, NOW);
    expect(kept.known.streams.transaction.failed).toEqual([]);
    expect(kept.known.alarms).toMatchObject([{ code: 'NODE_BEHIND_transaction' }]);
  });

  it('is forgotten once the node has pruned its first transaction for good', () => {
    const kept = memory();
    kept.unitEnded(BATCH, failed('NODE_PRUNED'), NOW, NOW);
    kept.nodeSeen({ ...VIEW, oldestVersion: '50' });
    expect(kept.known.streams.transaction.failed).toEqual([]);
  });
});

describe('an alarm', () => {
  it('keeps the time at which it was first raised, and shows its newest text', () => {
    const kept = memory();
    kept.alarmRaised('NODE_LIED', 'first', NOW);
    kept.alarmRaised('NODE_LIED', 'second', NOW + 5);
    expect(kept.known.alarms).toEqual([{ code: 'NODE_LIED', text: 'second', since: NOW }]);
    kept.alarmOver('NODE_LIED');
    expect(kept.known.alarms).toEqual([]);
  });
});

describe('a lie of a node', () => {
  const lie = { node: NODE, why: 'another record', at: NOW };

  it('is remembered for a day', () => {
    const kept = memory();
    kept.nodesLied([lie], NOW);
    kept.nodesLied(undefined, NOW + 23 * 3_600_000);
    expect(kept.known.lies).toEqual([lie]);
    kept.nodesLied(undefined, NOW + 25 * 3_600_000);
    expect(kept.known.lies).toBeUndefined();
  });

  it('is forgotten when somebody asks for a retry of everything', () => {
    const kept = memory();
    kept.nodesLied([lie], NOW);
    kept.retryAsked(undefined);
    expect(kept.known.lies).toBeUndefined();
  });
});

describe('a survey', () => {
  it('that shows nothing where backups were is an outage and changes nothing', () => {
    const kept = memory();
    const full = survey({ versions: [{ first: '0', last: '99' }] });
    kept.surveyed(full, [], NOW);
    expect(() => kept.surveyed(survey(), [], NOW + 1)).toThrow('held backups before');
    expect(kept.known.survey).toEqual(full);
    expect(kept.known.surveyedAt).toBe(NOW);
  });
});

describe('a stream', () => {
  it('is due for as long as the node has more than the storage', () => {
    const kept = memory();
    kept.surveyed(survey(), [], NOW);
    kept.nodeSeen(VIEW);
    kept.dueLookedAt(false, NOW + 1);
    kept.dueLookedAt(false, NOW + 2);
    expect(kept.known.streams.transaction.dueSince).toBe(NOW + 1);
    kept.surveyed(survey({ versions: [{ first: '0', last: '500' }] }), [], NOW + 3);
    kept.dueLookedAt(false, NOW + 4);
    expect(kept.known.streams.transaction.dueSince).toBeUndefined();
  });

  it('is due while nothing can be begun, because nobody knows what it misses', () => {
    const kept = memory();
    kept.dueLookedAt(true, NOW);
    expect(Object.values(kept.known.streams).map(({ dueSince }) => dueSince)).toEqual([
      NOW,
      NOW,
      NOW,
    ]);
  });
});

it('the next run begins with the units that run now, before what was asked for', () => {
  const kept = memory();
  const asked: Target = { type: 'transaction', first: '100', last: '199' };
  kept.unitAsked(asked);
  const next: CoordinatorMemory = kept.handOver([BATCH], {
    tidying: true,
    compacting: true,
  });
  expect(next.streams.transaction.requested).toEqual([BATCH, asked]);
  expect(next).toMatchObject({ runs: 2, tidyAt: 0, compactDue: true });
});
