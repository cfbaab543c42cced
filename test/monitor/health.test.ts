/** The meaning of a coordinator's status for monitoring: the level, and the heartbeat. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { heartbeatAt } from '../../src/monitor/work-done.js';
import { NOW, ago, liveStatus as status } from '../support/status.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

const judged = (one: LiveStatus) => {
  const { level, reasons } = healthOf(one, DEFAULT_LIMITS, NOW);
  return [level, reasons[0]?.what];
};
const alarm = (code: string, lasts = 9) => ({ alarms: [{ code, text: 'why', since: ago(lasts) }] });
const committed = (seconds: number) => ({ last_commit: { what: 'x', at: ago(seconds) } });
const due = (seconds: number) => ({ lag: '50', due_since: ago(seconds) });
const edge = (versions: number) => ({ prune_edge: { next: '5', versions, window: 100 } });
const progress = (advanced: number) => ({
  progress: {
    transaction: {
      done: 5,
      total: 9,
      bytes: 1,
      failed_ranges: 0,
      advanced_at: NOW - advanced * 1000,
    },
  },
});
const never: LiveStatus = {
  ...status({}, { phase: 'starting', started_at: ago(700) }),
  streams: Object.fromEntries(
    Object.entries(status().streams).map(([type, { last_commit: _, ...stream }]) => [type, stream]),
  ) as LiveStatus['streams'],
};
/** A quiet chain, stored long ago, whose coordinator was given another node. */
const anew = (seconds: number, stream: object = {}): LiveStatus => {
  const quiet = status({}, { phase: 'starting', looked_anew_at: ago(seconds) });
  for (const one of Object.values(quiet.streams)) Object.assign(one, committed(7_200), stream);
  return quiet;
};
const verified = (succeededAt: string, failedAt: string) => ({
  verification: { running: false, succeeded_at: succeededAt, failed_at: failedAt },
});
const SEEN = { ended_epochs: '4', version: '100', at: ago(5) };
/** A node that answers, but whose version stands still and whose newest ledger info is this old. */
const node = (still: number, tip?: number) =>
  status(
    {},
    {
      seen: {
        ...SEEN,
        version_since: ago(still),
        ...(tip === undefined ? {} : { tip_at: ago(tip) }),
      },
    },
  );
const stuck = {
  workflow_id: 'aptos-backup/x/verify/0a1b2c3d',
  type: 'verifyBackups',
  since: ago(50),
  failure: 'TypeError: broken',
  advice: 'run another release',
};

const drilled = (seconds: number) => ({ running: false, succeeded_at: ago(seconds) });
const daily = (): LiveStatus['schedules'] => [
  {
    ...{ id: 'aptos-backup/x/schedule/drill', paused: false, missed: 0 },
    ...{ every_ms: 86_400_000, created_at: ago(10 * 86_400) },
  },
];

it.each<[string, LiveStatus, string, RegExp | undefined]>([
  ['all is well', status(), 'ok', undefined],
  ['a quiet chain', status(committed(90_000)), 'ok', undefined],
  ['a batch that fills slowly', status({ ...committed(90_000), lag: '50' }), 'ok', undefined],
  ['new data after a quiet day', status({ ...committed(90_000), ...due(30) }), 'ok', undefined],
  ['a failed unit', status({}, alarm('FAILED_transaction')), 'warning', /^FAILED_transaction: why/],
  [
    'a unit that has failed for long',
    status({}, alarm('FAILED_transaction', 30_000)),
    'critical',
    /why/,
  ],
  ['a snapshot given up', status({}, alarm('SNAPSHOT_GIVEN_UP', 90_000)), 'warning', /GIVEN_UP/],
  ['lost data', status({}, alarm('LOST')), 'critical', /^LOST/],
  ['far from the prune edge', status(edge(45), alarm('PRUNE_EDGE')), 'warning', /^PRUNE_EDGE: why/],
  [
    'close to the prune edge',
    status(edge(20), alarm('PRUNE_EDGE')),
    'critical',
    /^PRUNE_EDGE: why/,
  ],
  ['a storage that fails for a short while', status({}, alarm('STORAGE')), 'warning', /^STORAGE/],
  ['a storage that fails for long', status({}, alarm('STORAGE', 700)), 'critical', /^STORAGE/],
  ['another chain', status({}, alarm('WATCH', 700)), 'critical', /^WATCH/],
  ['no node', status({}, alarm('NODE', 700)), 'warning', /^NODE/],
  ['no node for long', status({}, alarm('NODE', 4_000)), 'critical', /^NODE/],
  [
    'a pause',
    status({ state: 'paused', ...due(90_000) }),
    'warning',
    /^transactions are paused \(to go on: aptos-backup resume transaction\)$/,
  ],
  ['a quarantine', status({ quarantined: ['transaction/1-9'] }), 'warning', /in quarantine trans/],
  ['a lie', status({}, alarm('NODE_LIED')), 'warning', /^NODE_LIED/],
  ['lies of every node', status({}, alarm('ALL_NODES_LIED')), 'critical', /^ALL_NODES_LIED/],
  [
    'behind for long',
    status({ ...committed(4_000), ...due(5_000) }),
    'warning',
    /^transactions: 50 behind, and nothing stored for 4000 s/,
  ],
  ['behind for very long', status({ ...committed(40_000), ...due(50_000) }), 'critical', /40000 s/],
  [
    'a stream that stores nothing at all',
    status({ ...due(40_000), ...committed(900_000) }),
    'critical',
    /for 40000 s/,
  ],
  ['a long unit that makes progress', status({ ...due(90_000) }, progress(20)), 'ok', undefined],
  [
    'a long unit that makes no progress',
    status({ ...due(90_000), ...committed(90_000) }, progress(30_000)),
    'critical',
    /nothing stored for 30000 s/,
  ],
  [
    'snapshots that are behind',
    status({}, {}, { ...due(5_000), ...committed(5_000) }),
    'warning',
    /^state snapshots: 50 behind/,
  ],
  [
    'a drill that failed',
    status({}, { drill: { running: false, succeeded_at: ago(900), failed_at: ago(50) } }),
    'warning',
    /^the last restore drill failed, at /,
  ],
  [
    'a drill that failed before one that succeeded',
    status({}, { drill: { running: false, succeeded_at: ago(50), failed_at: ago(900) } }),
    'ok',
    undefined,
  ],
  ['a drill long ago that nobody promised', status({}, { drill: drilled(9e7) }), 'ok', undefined],
  ['a drill in time', status({}, { drill: drilled(90), schedules: daily() }), 'ok', undefined],
  [
    'a drill that is too old for its schedule',
    status({}, { drill: drilled(3 * 86_400), schedules: daily() }),
    'warning',
    /^no restore drill has succeeded for 3 days: see why its schedule does not/,
  ],
  [
    'a schedule of drills of which none has succeeded',
    status({}, { schedules: daily() }),
    'warning',
    /^no restore drill has succeeded for 10 days/,
  ],
  ['starting for ever', never, 'warning', /^it is starting for 700 s/],
  [
    'starting for even longer',
    { ...never, started_at: ago(4_000) },
    'critical',
    /^it is starting for 4000 s/,
  ],
  ['just started', { ...never, started_at: ago(20) }, 'warning', /^it starts: storage or node/],
  ['a look at another node', anew(20), 'ok', undefined],
  ['a look at another node while something is due', anew(20, due(3_000)), 'ok', undefined],
  ['another node that was never seen', anew(700), 'warning', /^it is starting for 700 s/],
  [
    'a node that nobody looks at',
    status({}, { seen: { ended_epochs: '4', version: '100', at: ago(600) } }),
    'warning',
    /last seen 600 s ago/,
  ],
  [
    'a node that stays where it is',
    node(4_000, 4_010),
    'warning',
    /stays at version 100 for 3995 s/,
  ],
  ['a node that stays there for a short while', node(800, 810), 'ok', undefined],
  ['a node that catches up', node(10, 9_000), 'warning', /tip .* is 8995 s old.*it is catching up/],
  [
    'a node that stood still before we looked',
    node(800, 9_000),
    'warning',
    /8995 s old.*stopped syncing/,
  ],
  ['a chain whose clock is ahead', node(10, -9_000), 'ok', undefined],
  ['a chain without a time', node(10), 'ok', undefined],
  [
    'a genesis that no trusted waypoint confirms',
    status({}, { seen: { ...SEEN, unconfirmed_genesis: `0:${'a1'.repeat(32)}` } }),
    'warning',
    /confirms the chain's genesis: .* add --trust-waypoint 0:a1a1/,
  ],
  ['code that does not fit', status({}, { stuck: [stuck] }), 'critical', /stuck since .*TypeError/],
  ['a failed verification', status({}, verified(ago(900), ago(9))), 'warning', /verification fail/],
  [
    'a good verification after a failed one',
    status({}, verified(ago(9), ago(900))),
    'ok',
    undefined,
  ],
])('health judges a status by its content: %s', (_, one, level, what) => {
  const [told, reason] = judged(one);
  expect([told, reason]).toEqual([level, what ? expect.stringMatching(what) : undefined]);
});

it('health puts the worst reason first', () => {
  const both = status({ state: 'paused' }, alarm('LOST'));
  const { reasons } = healthOf(both, DEFAULT_LIMITS, NOW);
  expect(reasons.map(({ level }) => level)).toEqual(['critical', 'warning']);
});

describe('the heartbeat', () => {
  const beat = (one: LiveStatus) => (NOW - heartbeatAt(one)) / 1000;

  it('is the time at which the node was last seen while nothing is due', () => {
    expect(beat(status(committed(90_000)))).toBe(5);
  });

  it('stands still when something is due and nothing is stored, even if the node answers', () => {
    expect(beat(status({ ...committed(700), ...due(300) }))).toBe(300);
    expect(beat(status({ ...committed(700), ...due(900), state: 'failing' }))).toBe(700);
  });

  it('advances with commits and with a unit that makes progress', () => {
    expect(beat(status({ ...committed(7), ...due(900) }))).toBe(7);
    expect(beat(status({ ...committed(800), ...due(900) }, progress(20)))).toBe(20);
  });

  it('ignores paused streams, unless all are paused', () => {
    const behind = { ...due(900), ...committed(900) };
    expect(beat(status({ ...behind, state: 'paused' }))).toBe(5);
    const all = status({ ...behind, state: 'paused' });
    for (const stream of Object.values(all.streams)) stream.state = 'paused';
    expect(beat(all)).toBe(900);
  });

  it('advances when the coordinator begins to look at another node', () => {
    expect(beat(anew(20))).toBe(20);
    expect(beat(anew(20, due(3_000)))).toBe(3_000);
  });

  it('is the start of the coordinator while it knows nothing yet', () => {
    expect(beat(never)).toBe(700);
  });
});

it('a pause counts while a unit is still in hand', () => {
  const current = { target: 'x', workflow_id: 'w', since: ago(90_000), attempts: 1 };
  const one = status({
    ...{ state: 'working', paused: true, current },
    ...due(90_000),
    ...committed(90_000),
  });
  expect(judged(one)).toEqual(['warning', expect.stringMatching(/^transactions are paused/)]);
  expect((NOW - heartbeatAt(one)) / 1000).toBe(5);
});

it('a schedule of verifications that reads a share each time has the time that the whole takes it', () => {
  const of = (sample?: string, days = 19) =>
    status(
      {},
      {
        verification: {
          ...{ running: false, succeeded_at: ago(60), first_at: ago(80 * 86_400) },
          rotated_at: ago(days * 86_400),
        },
        schedules: [
          {
            ...{ id: 'x/schedule/verify', paused: false, missed: 0 },
            ...{ created_at: ago(80 * 86_400), every_ms: 86_400_000 },
            ...(sample === undefined ? {} : { sample }),
          },
        ],
      },
    );
  expect(judged(of('5%'))).toEqual(['ok', undefined]);
  expect(judged(of('5%', 31))[0]).toBe('warning');
  expect(judged(of())[0]).toBe('warning');
});
