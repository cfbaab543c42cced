/** What the status of a coordinator means to monitoring. */
import { expect, it } from 'vitest';
import type { LiveStatus } from '../../src/client/coordinator.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/client/health.js';
import type { StreamStatus } from '../../src/plan/coordinator.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

function status(stream: Partial<StreamStatus> = {}, extra: Partial<LiveStatus> = {}): LiveStatus {
  const following: StreamStatus = {
    state: 'waiting',
    lag: '0',
    lastCommit: { what: 'metadata/x.meta', at: ago(60) },
    holes: [],
    failed: [],
    committed: 3,
  };
  return {
    phase: 'following',
    node: 'http://node:6186',
    storage: '/backups',
    seen: { ended_epochs: '4', version: '100', at: ago(5) },
    concurrency: 4,
    streams: {
      epoch_ending: following,
      state_snapshot: following,
      transaction: { ...following, ...stream },
    },
    alarms: [],
    runs: 1,
    progress: {},
    taskAttempts: 0,
    ...extra,
  };
}

const judged = (one: LiveStatus) => {
  const { level, reasons } = healthOf(one, DEFAULT_LIMITS, NOW);
  return [level, reasons[0]?.what];
};
const alarm = (code: string) => ({ alarms: [{ code, text: 'why', since: ago(9) }] });

it.each([
  ['all is well', status(), 'ok', undefined],
  ['a quiet chain', status({ lastCommit: { what: 'x', at: ago(90_000) } }), 'ok', undefined],
  ['a failed unit', status({}, alarm('FAILED_transaction')), 'warning', /^FAILED_transaction: why/],
  ['the prune edge', status({}, alarm('PRUNE_EDGE')), 'critical', /^PRUNE_EDGE: why/],
  ['no storage', status({}, alarm('STORAGE')), 'critical', /^STORAGE/],
  ['a pause', status({ state: 'paused' }), 'warning', /^transaction is paused/],
  [
    'behind for long',
    status({ lag: '50', lastCommit: { what: 'x', at: ago(4_000) } }),
    'warning',
    /^transaction is 50 behind and has committed nothing for 4000 s/,
  ],
  [
    'behind for too long',
    status({ lag: '50', lastCommit: { what: 'x', at: ago(40_000) } }),
    'critical',
    /40000 s/,
  ],
  [
    'a node that nobody looks at',
    status({}, { seen: { ended_epochs: '4', version: '100', at: ago(600) } }),
    'warning',
    /last seen 600 s ago/,
  ],
  ['code that does not fit', status({}, { taskAttempts: 7 }), 'critical', /failed 7 times/],
])('%s', (_, one, level, what) => {
  const [told, reason] = judged(one);
  expect(told).toBe(level);
  if (what === undefined) expect(reason).toBeUndefined();
  else expect(reason).toMatch(what);
});

it('tells the worst first', () => {
  const both = status({ state: 'paused' }, alarm('LOST'));
  const { reasons } = healthOf(both, DEFAULT_LIMITS, NOW);
  expect(reasons.map(({ level }) => level)).toEqual(['critical', 'warning']);
});
