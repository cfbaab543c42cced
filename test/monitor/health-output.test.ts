/** A status for Prometheus and on a terminal. */
import { expect, it } from 'vitest';
import { metricsOf } from '../../src/monitor/metrics.js';
import { describeStatus } from '../../src/cli/status-board.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { NOW, ago, eventfulStatus, liveStatus } from '../support/status.js';
import type { ListedSchedule } from '../../src/contract/answers/shown-answers.js';

const NASTY = '<script>alert("1 & 2")</script>\n\\ "quoted"';
const troubled = liveStatus(
  {
    state: 'working',
    newest: '18446744073709551615',
    lag: '50',
    lag_seconds: 75,
    due_since: ago(900),
    current: { target: 'transactions 1 to 9', workflow_id: 'w', since: ago(60), attempts: 3 },
    last_error: { unit: 'transaction/1-9', code: 'QUARANTINED', reason: NASTY, at: ago(120) },
    quarantined: ['transaction/1-9'],
    failed: [
      {
        unit: 'transaction/1-9',
        reason: NASTY,
        code: 'QUARANTINED',
        attempts: 2,
        retry_at: ago(-60),
      },
    ],
    failed_count: 1,
    failures: { QUARANTINED: 2, NODE_LIED: 1, [NASTY]: 1 },
    prune_edge: { next: '1', versions: 4000, seconds: 7200, window: 9000 },
  },
  {
    alarms: [{ code: 'FAILED_transaction', text: NASTY, since: ago(9) }],
    metadata_files: 12,
    unreferenced: { folders: 3, first: [{ folder: 'a', what: 'unfinished' }], files: 0 },
    progress: {
      transaction: {
        done: 50,
        total: 100,
        bytes: 2_000_000,
        rate: 5,
        retrying: { attempt: 7, reason: NASTY },
        failed_ranges: 1,
        advanced_at: NOW - 30_000,
      },
    },
    verification: {
      running: true,
      started_at: ago(50),
      succeeded_at: ago(7_000),
      progress: { epoch: '3', version: '90', snapshot_version: '70', items: '11', of_items: '20' },
    },
  },
);
const health = healthOf(troubled, DEFAULT_LIMITS, NOW);

/** The text format, version 0.0.4: every line is one of these. */
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`);
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?)$`,
);

/** Samples by name and labels. @throws when a rule of the format or of naming is broken */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const done = new Set<string>();
  let [helped, typed, kind] = ['', '', ''];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const help = HELP.exec(line);
    const type = TYPE.exec(line);
    const sample = SAMPLE.exec(line);
    if (help) {
      expect(done, `${line}: one group for each name`).not.toContain(help[1]);
      helped = help[1]!;
      done.add(helped);
    } else if (type) {
      expect(type[1]).toBe(helped);
      [, typed, kind] = type as unknown as [string, string, string];
      expect(typed.endsWith('_total'), `${typed} is a ${kind}`).toBe(kind === 'counter');
    } else {
      expect(sample, line).not.toBeNull();
      expect(sample![1]).toBe(typed);
      const key = `${typed}{${sample![2] ?? ''}}`;
      expect(samples.has(key), `${key} is there twice`).toBe(false);
      samples.set(key, Number(sample![3]));
    }
  }
  return samples;
}

it('metrics follow the format of Prometheus and agree with the status', async () => {
  const { text, type } = await metricsOf(troubled, health, 2);
  expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = parse(text);
  const at = (seconds: number) => (NOW - seconds * 1000) / 1000;
  expect(Object.fromEntries(samples)).toMatchObject({
    'aptos_backup_health{}': 1,
    'aptos_backup_stuck_workflows{}': 2,
    'aptos_db_backup_coordinator_heartbeat_timestamp_s{}': at(30),
    'aptos_db_backup_coordinator_transaction_version{}': 18446744073709551615,
    'aptos_backup_metadata_num_files{}': 12,
    'aptos_backup_unreferenced_folders{}': 3,
    'aptos_backup_node_seen_timestamp_seconds{}': at(5),
    'aptos_backup_lag{stream="transaction"}': 50,
    'aptos_backup_lag_seconds{stream="transaction"}': 75,
    'aptos_backup_quarantined_units{stream="transaction"}': 1,
    'aptos_backup_prune_edge_versions{stream="transaction"}': 4000,
    'aptos_backup_prune_edge_seconds{stream="transaction"}': 7200,
    'aptos_backup_unit_attempts{stream="transaction"}': 3,
    'aptos_backup_committed_units_total{stream="epoch_ending"}': 3,
    'aptos_backup_committed_bytes_total{stream="transaction"}': 3000,
    'aptos_backup_unit_failures_total{stream="transaction",code="QUARANTINED"}': 2,
    'aptos_backup_alarm{code="FAILED_transaction"}': 1,
    'aptos_db_backup_verify_coordinator_succeed_timestamp_s{}': at(7_000),
    'aptos_db_backup_verify_epoch_ending_epoch{}': 3,
    'aptos_db_backup_verify_transaction_version{}': 90,
    'aptos_db_backup_verify_state_snapshot_version{}': 70,
    'aptos_db_backup_verify_state_snapshot_leaf_index{}': 10,
    'aptos_db_backup_verify_state_snapshot_target_leaf_index{}': 19,
  });
  expect([...samples.keys()].some((key) => key.includes('verify_coordinator_fail'))).toBe(false);
});

it("the stock tool's dashboard finds what it asks of backup and verification", async () => {
  const { streams, ...status } = eventfulStatus();
  const { epoch_ending: endings, state_snapshot: snapshots } = streams;
  const { text } = await metricsOf(
    {
      ...status,
      streams: {
        ...streams,
        epoch_ending: { ...endings, newest: '3' },
        state_snapshot: { ...snapshots, newest: '2' },
      },
    },
    health,
    0,
  );
  const names = [...parse(text).keys()].filter((key) => key.startsWith('aptos_db_backup_'));
  const verified = ['epoch_ending_epoch', 'epoch_ending_version', 'transaction_version'].concat(
    ...['state_snapshot_version', 'state_snapshot_leaf_index', 'state_snapshot_target_leaf_index'],
  );
  // Without labels of ours: its panels would show one line for each.
  expect(names.map((name) => name.replace(/^aptos_db_backup_(.*)\{\}$/, '$1')).toSorted()).toEqual(
    [
      ...['heartbeat_timestamp_s', 'epoch_ending_epoch', 'state_snapshot_epoch'].map(
        (name) => `coordinator_${name}`,
      ),
      'coordinator_transaction_version',
      ...['start', 'succeed', 'fail'].map((name) => `verify_coordinator_${name}_timestamp_s`),
      ...verified.map((name) => `verify_${name}`),
    ].toSorted(),
  );
});

it('a verification and a drill may become as old as their schedules make them', async () => {
  const scheduled = (kind: string, days: number): ListedSchedule => ({
    ...{ id: `x/schedule/${kind}`, paused: false, missed: 0 },
    ...{ created_at: ago(9), every_ms: days * 86_400_000 },
  });
  const daysBy = async (schedules: ListedSchedule[]) => {
    const { text } = await metricsOf(liveStatus({}, { schedules }), health, 0);
    const within = (what: string) => parse(text).get(`aptos_backup_${what}_within_seconds{}`);
    return [within('verify'), within('drill')].map((seconds) => (seconds ?? 0) / 86_400);
  };
  expect(await daysBy([])).toEqual([7, 14]);
  expect(await daysBy([scheduled('verify', 1), scheduled('drill', 7)])).toEqual([7, 14]);
  const shares = { ...scheduled('verify', 1), sample: '5%' };
  expect(await daysBy([shares, scheduled('drill', 30)])).toEqual([30, 45]);
});

it('there are metrics even without a status', async () => {
  const { text } = await metricsOf(undefined, { level: 'critical', reasons: [] }, 1);
  expect(Object.fromEntries(parse(text))).toEqual({
    'aptos_backup_health{}': 2,
    'aptos_backup_stuck_workflows{}': 1,
  });
});

it('the text of `status` tells of every stream, and without a time it shows no ages', () => {
  const line = (now?: number) => describeStatus(troubled, now)[3]!;
  expect(line(NOW)).toMatch(
    /^ {2}transactions {4}stored to 18446744073709551615, 50 \(1m15s\) behind, last commit 1m0s ago, transactions 1 to 9, attempt 3, 50 %/,
  );
  expect(line(NOW)).toContain('4000 versions (2h0m) to the prune edge');
  expect(line(NOW)).toContain('in quarantine: transaction/1-9');
  expect(line(NOW)).toContain('last error QUARANTINED 2m0s ago: ');
  expect(line()).not.toContain('ago');
});
