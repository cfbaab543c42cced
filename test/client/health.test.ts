/** What the status of a coordinator means to monitoring: the level, and the heartbeat. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, healthOf } from '../../src/client/health.js';
import type { LiveStatus } from '../../src/client/coordinator.js';
import { heartbeatAt } from '../../src/client/work-done.js';
import { NOW, ago, liveStatus as status } from '../support/status.js';

const judged = (one: LiveStatus) => {
  const { level, reasons } = healthOf(one, DEFAULT_LIMITS, NOW);
  return [level, reasons[0]?.what];
};
const alarm = (code: string, lasts = 9) => ({ alarms: [{ code, text: 'why', since: ago(lasts) }] });
const committed = (seconds: number) => ({ lastCommit: { what: 'x', at: ago(seconds) } });
const due = (seconds: number) => ({ lag: '50', dueSince: ago(seconds) });
const edge = (versions: number) => ({ pruneEdge: { next: '5', versions, window: 100 } });
const progress = (advanced: number) => ({
  progress: {
    transaction: {
      done: 5,
      total: 9,
      bytes: 1,
      failedRanges: 0,
      advancedAt: NOW - advanced * 1000,
    },
  },
});
const never: LiveStatus = {
  ...status({}, { phase: 'starting', startedAt: ago(700) }),
  streams: Object.fromEntries(
    Object.entries(status().streams).map(([type, { lastCommit: _, ...stream }]) => [type, stream]),
  ) as LiveStatus['streams'],
};
/** A quiet chain, all stored long ago, whose coordinator was given another node. */
const anew = (seconds: number, stream: object = {}): LiveStatus => {
  const quiet = status({}, { phase: 'starting', lookedAnewAt: ago(seconds) });
  for (const one of Object.values(quiet.streams)) Object.assign(one, committed(7_200), stream);
  return quiet;
};
const verified = (succeededAt: string, failedAt: string) => ({
  verification: { running: false, succeededAt, failedAt },
});
const stuck = {
  workflowId: 'aptos-backup/x/verify/0a1b2c3d',
  type: 'verifyBackups',
  since: ago(50),
  failure: 'TypeError: broken',
  advice: 'run another release',
};

it.each<[string, LiveStatus, string, RegExp | undefined]>([
  ['all is well', status(), 'ok', undefined],
  ['a quiet chain', status(committed(90_000)), 'ok', undefined],
  ['a batch that fills slowly', status({ ...committed(90_000), lag: '50' }), 'ok', undefined],
  ['news after a quiet day', status({ ...committed(90_000), ...due(30) }), 'ok', undefined],
  ['a failed unit', status({}, alarm('FAILED_transaction')), 'warning', /^FAILED_transaction: why/],
  ['one that failed for long', status({}, alarm('FAILED_transaction', 30_000)), 'critical', /why/],
  ['a snapshot given up', status({}, alarm('SNAPSHOT_GIVEN_UP', 90_000)), 'warning', /GIVEN_UP/],
  ['what is lost', status({}, alarm('LOST')), 'critical', /^LOST/],
  ['far from the edge', status(edge(45), alarm('PRUNE_EDGE')), 'warning', /^PRUNE_EDGE: why/],
  ['the prune edge', status(edge(20), alarm('PRUNE_EDGE')), 'critical', /^PRUNE_EDGE: why/],
  ['a storage that hiccups', status({}, alarm('STORAGE')), 'warning', /^STORAGE/],
  ['no storage', status({}, alarm('STORAGE', 700)), 'critical', /^STORAGE/],
  ['another chain', status({}, alarm('WATCH', 700)), 'critical', /^WATCH/],
  ['no node', status({}, alarm('NODE', 700)), 'warning', /^NODE/],
  ['no node for long', status({}, alarm('NODE', 4_000)), 'critical', /^NODE/],
  ['a pause', status({ state: 'paused', ...due(90_000) }), 'warning', /^transaction is paused/],
  ['a quarantine', status({ quarantined: ['transaction/1-9'] }), 'warning', /in quarantine trans/],
  ['a lie', status({}, alarm('NODE_LIED')), 'warning', /^NODE_LIED/],
  ['lies alone', status({}, alarm('ALL_NODES_LIED')), 'critical', /^ALL_NODES_LIED/],
  [
    'behind for long',
    status({ ...committed(4_000), ...due(5_000) }),
    'warning',
    /^transaction is 50 behind and has stored nothing for 4000 s/,
  ],
  ['too long', status({ ...committed(40_000), ...due(50_000) }), 'critical', /40000 s/],
  ['never anything', status({ ...due(40_000), ...committed(900_000) }), 'critical', /for 40000 s/],
  ['a long unit that goes on', status({ ...due(90_000) }, progress(20)), 'ok', undefined],
  [
    'a long unit that stands',
    status({ ...due(90_000), ...committed(90_000) }, progress(30_000)),
    'critical',
    /stored nothing for 30000 s/,
  ],
  [
    'snapshots',
    status({}, {}, { ...due(5_000), ...committed(5_000) }),
    'warning',
    /^state_snapshot/,
  ],
  ['starting for ever', never, 'warning', /^it is starting for 700 s/],
  ['for longer', { ...never, startedAt: ago(4_000) }, 'critical', /^it is starting for 4000 s/],
  ['just started', { ...never, startedAt: ago(20) }, 'ok', undefined],
  ['another node to be looked at', anew(20), 'ok', undefined],
  ['another node, with something due', anew(20, due(3_000)), 'ok', undefined],
  ['another node that was never seen', anew(700), 'warning', /^it is starting for 700 s/],
  [
    'a node that nobody looks at',
    status({}, { seen: { ended_epochs: '4', version: '100', at: ago(600) } }),
    'warning',
    /last seen 600 s ago/,
  ],
  ['code that does not fit', status({}, { stuck: [stuck] }), 'critical', /stuck since .*TypeError/],
  ['a failed verification', status({}, verified(ago(900), ago(9))), 'warning', /verification fail/],
  ['one after it that did not', status({}, verified(ago(9), ago(900))), 'ok', undefined],
])('%s', (_, one, level, what) => {
  const [told, reason] = judged(one);
  expect([told, reason]).toEqual([level, what ? expect.stringMatching(what) : undefined]);
});

it('tells the worst first', () => {
  const both = status({ state: 'paused' }, alarm('LOST'));
  const { reasons } = healthOf(both, DEFAULT_LIMITS, NOW);
  expect(reasons.map(({ level }) => level)).toEqual(['critical', 'warning']);
});

describe('the heartbeat', () => {
  const beat = (one: LiveStatus) => (NOW - heartbeatAt(one)) / 1000;

  it('is that of the node while nothing is due', () => {
    expect(beat(status(committed(90_000)))).toBe(5);
  });

  it('stands when something is due and nothing is stored, whatever the node answers', () => {
    expect(beat(status({ ...committed(700), ...due(300) }))).toBe(300);
    expect(beat(status({ ...committed(700), ...due(900), state: 'failing' }))).toBe(700);
  });

  it('goes on with commits and with a unit that advances', () => {
    expect(beat(status({ ...committed(7), ...due(900) }))).toBe(7);
    expect(beat(status({ ...committed(800), ...due(900) }, progress(20)))).toBe(20);
  });

  it('leaves out what is paused, unless everything is', () => {
    const behind = { ...due(900), ...committed(900) };
    expect(beat(status({ ...behind, state: 'paused' }))).toBe(5);
    const all = status({ ...behind, state: 'paused' });
    for (const stream of Object.values(all.streams)) stream.state = 'paused';
    expect(beat(all)).toBe(900);
  });

  it('goes on while another node is looked at', () => {
    expect(beat(anew(20))).toBe(20);
    expect(beat(anew(20, due(3_000)))).toBe(3_000);
  });

  it('of a coordinator that knows nothing yet is its start', () => {
    expect(beat(never)).toBe(700);
  });
});
