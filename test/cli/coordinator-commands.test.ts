/** The commands for a running coordinator: their answers, and what they refuse. */
import { expect, it } from 'vitest';
import { TRIES } from '../../src/node/retry.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import type { LiveStatus, ListedSchedule } from '../../src/contract/answers/shown-answers.js';

it('up follows a node, and all commands from another terminal control it', async () => {
  const node = await devnode({ startTime: 'now' });
  const folder = storageFolder();
  const data = ['--data-dir', dataFolder()];
  const told = (...args: string[]) => runCli([...args, ...data]);
  const say = async (...args: string[]) => {
    const { code, out, err } = await told(...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out.trim();
  };
  const status = async () => JSON.parse(await say('status', '--json')) as LiveStatus;

  const check = async (...args: string[]) => {
    const { code, out } = await told('status', '--check', ...args);
    return `${code} ${out.trim()}`;
  };

  const nothing = await told('status');
  expect(nothing).toMatchObject({ code: 1, out: '' });
  expect(nothing.err).toMatch(/no coordinator runs; start one with: aptos-backup up/);
  expect(await check()).toMatch(/^2 CRITICAL: no coordinator runs/);

  const genesis = node.facts().genesis_waypoint;
  const place = ['--backup-service-address', node.address, '--local-fs-dir', folder];
  const flags = [...place, '--trust-waypoint', genesis];
  const small = ['--transaction-batch-size', '100'];
  const up = startCli(['up', '--health-address', '0', ...flags, ...small, ...data]);
  await up.says(/^Workflow aptos-backup\/[a-z0-9._-]+-[0-9a-f]{8}\/coordinator, begun$/);
  await up.says(/^following: /);
  const { streams } = await status();
  expect(streams.epoch_ending).toMatchObject({ newest: '3', lag: '0', failed: [] });
  expect(await say('status')).toMatch(
    /^following: node at version \d+, 4 epochs ended(, tip (\d+[dhms])+ old)?\n.* stored to 3, 0 behind, last commit (\d+[dhms])+ ago, wait/,
  );

  const health = up.lines.find((line) => line.startsWith('Health: '))!.slice('Health: '.length);
  const page = async (path: string) => {
    const answer = await fetch(health + path);
    return `${answer.status} ${await answer.text()}`;
  };
  expect(await page('/livez')).toBe('200 alive\n');
  expect(await page('/readyz')).toBe('200 ready\n');
  expect(await page('/healthz')).toMatch(/^200 \{"level":"ok","reasons":\[\],"status":\{/);
  const metrics = await page('/metrics');
  expect(metrics).toMatch(/^aptos_db_backup_coordinator_epoch_ending_epoch 3$/m);
  expect(metrics).toMatch(/^aptos_db_backup_coordinator_heartbeat_timestamp_s \d{10}/m);
  expect(metrics).toMatch(/^aptos_backup_lag\{stream="epoch_ending"\} 0$/m);
  expect(metrics).toMatch(/^aptos_backup_health 0$/m);
  expect(metrics).toMatch(/^aptos_backup_worker_up\{role="chunks"\} 1$/m);
  const asked = (endpoint: string) =>
    Object.entries(node.requests())
      .filter(([path]) => path.split('/')[1] === endpoint)
      .reduce((sum, [, times]) => sum + times, 0);
  const counts = async (endpoint: string) => {
    const name = `name="backup_service_client_get_${endpoint}"`;
    const line = new RegExp(`^aptos_db_backup_timers_seconds_count\\{${name}\\} (\\d+)$`, 'm');
    return Number(line.exec(await page('/metrics'))?.[1]);
  };
  for (const endpoint of ['transactions', 'state_snapshot_chunk']) {
    const hasAll = async () => (await counts(endpoint)) >= asked(endpoint);
    await until(`metrics have counted every request for ${endpoint}`, hasAll);
    // A try that found its idle connection closed is counted, and never arrived.
    expect(await counts(endpoint)).toBeLessThanOrEqual(TRIES * asked(endpoint));
  }
  // The watch asks on meanwhile.
  const before = asked('db_state');
  await until('metrics have counted what the watch asked', async () => {
    return (await counts('db_state')) >= before;
  });
  expect(await counts('db_state')).toBeLessThanOrEqual(TRIES * asked('db_state'));
  const counted = await page('/metrics');
  expect(counted).toMatch(/^aptos_db_backup_received_bytes\{endpoint="transactions"\} \d{5,}$/m);
  expect(counted).toMatch(/seconds_count\{name="state_snapshot_write_chunk"\} [1-9]/);
  expect(counted).toMatch(/seconds_count\{name="transaction_next_full_chunk"\} [1-9]/);
  expect(await page('/health')).toMatch(/^404 no such page/);
  expect(await page('/')).toMatch(/^200 <!doctype html>/);
  expect(metrics).toMatch(/^aptos_backup_genesis_unconfirmed 0$/m);
  await until('its tip has a time', async () =>
    /^aptos_backup_node_tip_timestamp_seconds \d{10}/m.test(await page('/metrics')),
  );
  expect(metrics).toMatch(/^aptos_backup_node_version_since_timestamp_seconds \d{10}/m);
  expect(await check()).toBe('0 OK');
  // The node answers, and its version does not move any more.
  await until('that is told', async () => (await check('--warning', '1')).startsWith('1 '));
  expect(await check('--warning', '1')).toMatch(
    /^1 WARNING: the node answers, but stays at version 400 for \d+ s, since 20.*stopped syncing/,
  );

  expect(await say('pause', 'state-snapshot')).toMatch(/^Paused: state snapshots\. /);
  expect(await check()).toBe(
    '1 WARNING: state snapshots are paused (to go on: aptos-backup resume state-snapshot)',
  );
  node.grow({ transactions: 130, epochs: 1 });
  await until('epochs go on', async () => (await status()).streams.epoch_ending.newest === '4');
  expect((await status()).streams.state_snapshot).toMatchObject({ state: 'paused', lag: '1' });
  expect(await say('resume', '--json')).toBe('["epoch_ending","state_snapshot","transaction"]');
  await until('it is taken', async () => (await status()).streams.state_snapshot.newest === '4');

  expect(await say('concurrency', '8')).toBe('Each stream has up to 8 ranges in flight now.');
  expect(await say('retry')).toBe('Nothing waits for a retry.');
  expect(await say('retry', '--json')).toBe('0');
  expect(await say('now', 'transaction')).toMatch(
    /the coordinator backs up next what the node has now/,
  );
  await until('nothing is left', async () => (await status()).streams.transaction.lag === '0');
  expect(await say('now', 'state-snapshot', '--state-snapshot-epoch', '1')).toMatch(/epoch 1/);

  for (const [args, message] of [
    [['now', 'transaction', '--start-version', '5', '--num_transactions', '9'], /overlapping/],
    [['now', 'epoch-ending', '--start-epoch', '3', '--end-epoch', '2'], /--end-epoch/],
    [['pause', 'transactions'], /unknown stream "transactions", did you mean "transaction"\?/],
    [['retry', 'transaction/5'], /transaction\/5 waits for no retry/],
    [['concurrency', '1000'], /1 to 64/],
    [['concurrency', 'many'], /N must be a whole number, not "many"/],
  ] as const) {
    const { code, out, err } = await told(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  }

  // What a second start does not name stays: also what `concurrency` changed, and the node.
  const same = startCli(['up', '--local-fs-dir', folder, ...data]);
  await same.says(/^Workflow .*\/coordinator, settings unchanged$/);
  expect(await status()).toMatchObject({ concurrency: 8, node: node.address });
  expect(await same.stop()).toBe(0);
  const wider = ['--concurrent-data-requests', '6', '--transaction-batch-size', '200'];
  const second = startCli(['continuously', ...flags, ...wider, ...data]);
  await second.says(
    /settings changed: --concurrent-data-requests 8 -> 6, --transaction-batch-size 100 -> 200; units/,
  );
  expect((await status()).concurrency).toBe(6);
  expect(await second.stop()).toBe(0);
  expect(await up.stop()).toBe(0);
  expect(up.lines.at(-1)).toBe('Stopped. The next start goes on from here.');

  // Of another storage: there, nothing but the node says which chain it is.
  const elsewhere = ['--local-fs-dir', storageFolder()];
  const checkElsewhere = () => check(...elsewhere);
  const address = ['--backup-service-address', node.address];
  const blind = startCli(['up', ...address, ...elsewhere, ...small, ...data]);
  await blind.says(/unconfirmed: .*--trust-waypoint 0:[0-9a-f]{64}$/);
  let seen = '';
  await until('monitoring is told', async () => {
    seen = await checkElsewhere();
    return seen.includes(genesis);
  });
  expect(seen).toMatch(/^1 WARNING: no trusted waypoint confirms the chain's genesis/);
  expect(await say('stop', ...elsewhere)).toMatch(/^Stopped the coordinator /);
  expect(await blind.ended).toBe(0);

  let rests = await told('status');
  await until('one is listed', async () => {
    rests = await told('status');
    return !rests.err.includes('say which');
  });
  expect(await check()).toMatch(
    /^2 CRITICAL: aptos-backup\/.* cannot answer, because no worker runs/,
  );
  expect(rests.err).toMatch(
    /cannot answer, because no worker runs; start one with: aptos-backup up/,
  );
  const again = startCli(['up', ...flags, ...small, ...data]);
  await again.says(/^following: /);
  expect((await status()).streams.transaction.committed).toBeGreaterThan(4);
  expect(await again.stop()).toBe(0);
}, 600_000);

it('schedules are created, changed, listed and deleted', async () => {
  const folder = storageFolder();
  const data = ['--data-dir', dataFolder()];
  const told = (...args: string[]) => runCli(['schedule', ...args, ...data]);
  const storage = ['--local-fs-dir', folder];
  const listed = async () => {
    const { out } = await told('list', '--json');
    return (JSON.parse(out) as ListedSchedule[]).map(({ id }) => id.split('/').pop()).sort();
  };
  const kinds = ['due', 'epoch-ending', 'state-snapshot', 'transaction', 'verify'];
  for (const kind of kinds) {
    const { code, out } = await told('create', kind, ...storage);
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        `^Schedule aptos-backup/[a-z0-9._-]+-[0-9a-f]{8}/schedule/${kind}, every [1-9]\\d*[mhd]\n$`,
      ),
    );
  }
  await until('all are listed', async () => (await listed()).join() === kinds.join());
  const changed = await told('create', 'verify', '--every', '12h', '--sample', '5%', ...storage);
  expect(changed.code).toBe(0);
  const id = changed.out.split(/[ :]/)[1]!;
  expect(changed.out).toContain(`${id} changed: --every 1d -> 12h, --sample none -> 5%`);
  expect((await told('delete', id)).code).toBe(0);
  await until('one is gone', async () => !(await listed()).includes('verify'));
  for (const [args, message] of [
    [['create', 'weekly', ...storage], /a schedule is one of epoch-ending, /],
    [['create', 'verfy', ...storage], /unknown kind "verfy", did you mean "verify"\?/],
    [['create', 'due', '--every', 'soon', ...storage], /10m|1h|1d/],
    [['create', 'due', '--sample', '5%', ...storage], /only a schedule of kind verify/],
    [['delete', `${id}x`], /unknown schedule /],
  ] as const) {
    const { code, err } = await told(...args);
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  }
}, 600_000);
