/** What the page tells beside the status: the last day of the streams, events, and what the storage holds. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Client } from '@temporalio/client';
import { expect, it, onTestFinished, vi } from 'vitest';
import { withinWindow } from '../../src/page/coverage-parts.js';
import { EventLog } from '../../src/page/event-log.js';
import { pageFileOf, readPage, writePage } from '../../src/page/kept-page.js';
import { listWork } from '../../src/page/listed-work.js';
import { StoredCoverage } from '../../src/page/stored-coverage.js';
import { StreamHistory } from '../../src/page/stream-history.js';
import { rememberVerified } from '../../src/repository/verified-times.js';
import { openStorage } from '../../src/storage/open.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { dataFolder } from '../support/cli.js';
import { NOW, ago, liveStatus } from '../support/status.js';

const HOUR = 3_600_000;

it('the history of a stream covers a day, is bounded, and loses no record when it is thinned', () => {
  const history = new StreamHistory();
  const step = 5_000;
  const day = 30 * HOUR;
  for (let clock = 0; clock <= day; clock += step) {
    const records = `${clock / 100}`; // ten a second
    history.note(liveStatus({ committed_records: records }), clock, NOW + clock);
  }
  const { transaction } = history.told();
  expect(transaction.length).toBeGreaterThan(200);
  expect(transaction.length).toBeLessThanOrEqual(288);
  const times = transaction.map(({ at }) => Date.parse(at));
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(20 * HOUR);
  expect(new Set(transaction.slice(1).map(({ rate }) => rate))).toEqual(new Set([10]));
  expect(transaction.at(-1)).toMatchObject({ lag: 0 });
});

it('records of a unit in work count, and one that begins again counts none', () => {
  const history = new StreamHistory();
  const done = (records: number) => ({
    progress: { transaction: { done: records, total: 100, bytes: 1, failed_ranges: 0 } },
  });
  [0, 50, 20].forEach((records, index) =>
    history.note(liveStatus({}, done(records)), index * 10_000, NOW + index * 10_000),
  );
  expect(history.told().transaction.map(({ rate }) => rate)).toEqual([0, 5, 0]);
});

it('records that a unit keeps when it is tried again, and those of its commit, count once', () => {
  const history = new StreamHistory();
  const current = { target: 'transactions 0 to 99', workflow_id: 'u', since: ago(9), attempts: 1 };
  const inWork = (done?: number) =>
    liveStatus(
      { current, committed_records: '1000' },
      done === undefined
        ? {}
        : { progress: { transaction: { done, total: 100, bytes: 1, failed_ranges: 0 } } },
    );
  const rests = liveStatus({ committed_records: '1000' });
  const committed = liveStatus({ committed_records: '1100' });
  // It fails at 50, is begun again, finds its chunks, loses its heartbeat for a moment, and is committed.
  [inWork(0), inWork(50), rests, inWork(0), inWork(50), inWork(80), inWork(), committed].forEach(
    (status, index) => history.note(status, index * 10_000, NOW + index * 10_000),
  );
  expect(history.told().transaction.map(({ rate }) => rate)).toEqual([0, 5, 0, 0, 0, 3, 0, 2]);
});

it('alarms, pauses and deaths become events, each once, and old ones are left out', () => {
  const log = new EventLog();
  const alarm = { code: 'NODE_SILENT', text: 'no answer', since: ago(60) };
  const troubled = liveStatus({ state: 'paused' }, { alarms: [alarm] });
  log.heard(liveStatus(), NOW);
  log.heard(troubled, NOW);
  log.heard(troubled, NOW);
  log.heard(liveStatus(), NOW + 1_000);
  const death = { at: ago(30), how: 'was killed by SIGKILL' };
  const worker = { role: 'chunks', name: 'Chunk worker', connected: true } as const;
  const state = { ...worker, since: ago(9), restarts: 1, in_hand: {}, last_death: death };
  log.workers([state]);
  log.workers([state]);
  const ended = { at: ago(4 * 86_400), level: 'ok' as const, what: 'transaction/0-9 done' };
  expect(log.told([ended], NOW).map(({ level, what }) => `${level} ${what}`)).toEqual([
    'ok alarm NODE_SILENT is over',
    'ok transaction goes on',
    'ok transaction is paused',
    'warning Chunk worker was killed by SIGKILL',
    'warning alarm NODE_SILENT: no answer',
  ]);
});

it('a restart empties neither curves nor events: they go on, without what is too old', () => {
  const file = pageFileOf(dataFolder(), 'aptos-backup/backups-1/coordinator');
  expect(readPage(file)).toBeUndefined();
  const [history, log] = [new StreamHistory(), new EventLog()];
  const stored = (records: number) => liveStatus({ committed_records: `${records}` });
  history.note(stored(0), 0, NOW - 25 * HOUR);
  history.note(stored(0), 24 * HOUR, NOW - HOUR);
  history.note(stored(36_000), 24.5 * HOUR, NOW - HOUR / 2);
  const alarm = { code: 'NODE', text: 'no answer for 60 s', since: ago(90) };
  log.heard(liveStatus({}, { alarms: [alarm] }), NOW);
  const worker = { role: 'chunks', name: 'Chunk worker', connected: true } as const;
  const death = { at: ago(30), how: 'was killed by SIGKILL' };
  log.workers([{ ...worker, since: ago(9), restarts: 1, in_hand: {}, last_death: death }]);
  writePage(file, { version: 1, history: history.kept(), events: log.kept() });

  const kept = readPage(file)!;
  const [later, laterLog] = [new StreamHistory(), new EventLog()];
  later.goOnWith(kept.history, 5_000, NOW);
  later.note(stored(54_000), 5_000, NOW); // what was stored meanwhile counts
  expect(later.told().transaction.map(({ at, rate }) => [at, rate])).toEqual([
    [ago(3_600), 0],
    [ago(1_800), 20],
    [ago(0), 10],
  ]);
  laterLog.goOnWith(kept.events);
  laterLog.heard(liveStatus({}, { alarms: [{ ...alarm, text: 'no answer for 90 s' }] }), NOW);
  expect(laterLog.told([], NOW).map(({ what }) => what)).toEqual([
    'Chunk worker was killed by SIGKILL',
    'alarm NODE: no answer for 60 s',
  ]);

  writeFileSync(file, '{"version":1');
  expect(readPage(file)).toBeUndefined();
});

it('hundreds of backups push no failure and no verification out of the events', async () => {
  const prefix = 'aptos-backup/backups-1/';
  const run = (id: string, name: string, type: string, i: number) => ({
    ...{ workflowId: `${prefix}${id}`, runId: `${id} ${i}`, type, status: { name } },
    closeTime: new Date(NOW - i * 1000),
  });
  const backups = Array.from({ length: 400 }, (_, i) =>
    run(`transaction/${i}`, 'COMPLETED', 'transactionBackup', i),
  );
  const rare = [
    run('transaction/0-9', 'FAILED', 'transactionBackup', 500),
    run('verify/1', 'COMPLETED', 'verifyBackups', 600),
  ];
  const rows = (query: string) => {
    if (query.includes('"Running"')) return [];
    const isRare = /AND \(WorkflowType NOT IN \(.*"transactionBackup".*"Failed"/.test(query);
    return isRare ? rare : [...backups, ...rare];
  };
  const list = ({ query }: { query: string }) => Readable.from(rows(query));
  const { ended } = await listWork({ workflow: { list } } as unknown as Client, prefix, NOW);
  const told = ended.map(({ level, what }) => `${level} ${what}`);
  expect(told).toHaveLength(152);
  expect(told).toContain('warning transaction/0-9 failed');
  expect(told).toContain('ok verify/1 done');
});

/** A folder for backups, and what stores backups of a node there. */
async function emptyStorage() {
  const node = await devnode();
  const folder = storageFolder();
  const trust = [node.facts().genesis_waypoint];
  const store = (target: Parameters<typeof backUp>[0]['target']) =>
    backUp({ node: node.address, folder, trust, target });
  return { folder, store };
}

it('the coverage of a storage says what is stored, how proven, what is missing and what is damaged', async () => {
  const { folder, store } = await emptyStorage();
  await store({ type: 'epoch_ending', start_epoch: 0, end_epoch: 2 });
  await store({ type: 'transaction', start_version: 0, num_transactions: 100 });
  const broken = await store({
    ...{ type: 'transaction', start_version: 200, num_transactions: 100 },
  });
  await store({ type: 'state_snapshot', epoch: 1 });
  const ending = AbortSignal.timeout(60_000);
  const coverage = new StoredCoverage({ local_fs_dir: folder }, ending);
  const whole = await coverage.read({}, 400n);
  const { rows } = whole;
  const words = (parts: typeof rows.transaction) =>
    parts.map(({ first, last, state, epochs }) => `${first}-${last} ${state} ${epochs ?? ''}`);
  expect(words(rows.transaction)).toEqual([
    ...['0-99 signed ', '100-199 missing ', '200-299 signed '],
  ]);
  expect(words(rows.epoch_ending)).toEqual([expect.stringMatching(/^0-\d+ signed 0 to 1$/)]);
  expect(words(rows.state_snapshot)).toEqual([expect.stringMatching(/^(\d+)-\1 signed 1$/)]);
  expect(whole).toMatchObject({ backups: 4, unread: 0, newest: '400', last: '400' });

  const chunk = readdirSync(join(folder, broken.backup)).find((name) => name.endsWith('.chunk'))!;
  rmSync(join(folder, broken.backup, chunk));
  const fresh = new StoredCoverage({ local_fs_dir: folder }, ending);
  const after = await fresh.read({ first: 150n, last: 220n }, 400n);
  expect(words(after.rows.transaction)).toEqual(['100-199 missing ', '200-299 damaged ']);
  expect(after.rows.transaction[1]!.fault).toMatch(/\.chunk is missing/);
  expect(after.rows.state_snapshot).toEqual([]);
  const gone = new StoredCoverage({ local_fs_dir: join(folder, 'nothing') }, ending);
  await expect(gone.read({}, undefined)).rejects.toThrow(/nothing/);
});

it('what a verification finds is on the map soon after it has ended, whatever the coordinator knows', async () => {
  const { folder, store } = await emptyStorage();
  await store({ type: 'epoch_ending', start_epoch: 0, end_epoch: 2 });
  const { backup } = await store({ type: 'transaction', start_version: 0, num_transactions: 100 });
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const coverage = new StoredCoverage({ local_fs_dir: folder }, AbortSignal.timeout(60_000));
  const states = async () => {
    vi.advanceTimersByTime(11_000);
    return (await coverage.read({}, 99n)).rows.transaction.map(({ state }) => state);
  };
  expect(await states()).toEqual(['signed']);
  const chunk = readdirSync(join(folder, backup)).find((name) => name.endsWith('.chunk'))!;
  rmSync(join(folder, backup, chunk));
  expect(await states()).toEqual(['signed']); // it was looked at a moment ago
  await rememberVerified(openStorage({ local_fs_dir: folder }), { first: NOW, failed: NOW });
  expect(await states()).toEqual(['damaged']);
  expect((await coverage.read({}, 99n)).verified_at).toBeUndefined();
  // Shares have read all but what was added meanwhile.
  await rememberVerified(openStorage({ local_fs_dir: folder }), { good: NOW, rotated: NOW - 1 });
  await states();
  expect((await coverage.read({}, 99n)).verified_at).toBe(new Date(NOW - 1).toISOString());
});

it('too many backups for a window are drawn as fewer parts, and the worst of each part counts', () => {
  const all = Array.from({ length: 20_000 }, (_, i) => ({
    ...{ first: BigInt(i) * 10n, last: BigInt(i) * 10n + 9n, backups: 1 },
    state: i === 7_777 ? ('damaged' as const) : ('signed' as const),
    verifiedAt: NOW + i,
  }));
  const parts = withinWindow(all, { first: 0n, last: 199_999n });
  expect(parts.length).toBe(400);
  expect(parts.reduce((sum, { backups }) => sum + backups, 0)).toBe(20_000);
  expect(parts.filter(({ state }) => state === 'damaged')).toHaveLength(1);
  const zoomed = withinWindow(all, { first: 77_700n, last: 77_800n });
  expect(zoomed).toHaveLength(11);
  expect(zoomed.filter(({ state }) => state === 'damaged')).toEqual([
    expect.objectContaining({ first: '77770', last: '77779', backups: 1 }),
  ]);
});
