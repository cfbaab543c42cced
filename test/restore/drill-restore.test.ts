/** The run of the stock tool in a drill, with a stand-in: a real process that says what the tool says, or misbehaves. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { StorageConfig } from '../../src/contract/job.js';
import { isAlive, startOf } from '../../src/lib/host/process-info.js';
import { type DrillPlan, drillRestore, wrongWith } from '../../src/restore/drill/drill-restore.js';
import { OutputLines } from '../../src/restore/drill/output-lines.js';
import { runProgram } from '../../src/restore/drill/run-program.js';
import { StockLog } from '../../src/restore/drill/stock-log.js';
import { sharedData } from '../shared-data.js';
import { storageFolder } from '../support/backup.js';
import { ROOT_240, standIn } from '../support/stand-in-tool.js';
import { until } from '../support/until.js';

const PLAN: DrillPlan = {
  target: '250',
  tree: { version: '240', rootHash: ROOT_240 },
  trust: ['0:ab'],
  adapter: false,
  firstVersion: '201',
  diskBytes: 1000,
  fetchedBytes: 272_880,
};
type Ending = Parameters<typeof standIn>[1];

function setUp(
  ending: Ending,
  said?: Parameters<typeof standIn>[2],
  storage: StorageConfig = { local_fs_dir: '/backups' },
  leastFree = () => 0,
) {
  const folder = storageFolder();
  const tool = standIn(join(folder, 'tool'), ending, said);
  const scratch = join(folder, 'scratch');
  const stopping = new AbortController();
  const phases: string[] = [];
  const restore = (plan: Partial<DrillPlan> = {}, silenceMs = 60_000) =>
    drillRestore({
      storage,
      storageId: '0a1b2c3d',
      plan: { ...PLAN, ...plan },
      binary: tool.path,
      ...{ scratch, silenceMs, signal: stopping.signal, waitMs: 0 },
      get leastFreeBytes() {
        return leastFree();
      },
      onProgress: ({ phase }) => phases.push(phase),
    });
  return {
    tool,
    scratch,
    stopping,
    phases,
    restore,
    ours: join(scratch, 'aptos-backup-drill-0a1b2c3d'),
  };
}

const gone = (pids: number[]) => until('they are gone', () => pids.every((pid) => !runs(pid)));
const runs = (pid: number) => isAlive(pid) && startOf(pid) !== undefined;

it('a restore that succeeds is compared, measured and removed', async () => {
  const { restore, tool, scratch, phases } = setUp('succeeds');
  const { report, rates } = await restore({ kvVersion: '138' });
  expect(report).toMatchObject({
    ...{ ok: true, why: [], exit: 'exit code 0', version: '250', last_lines: [] },
    ...{ root_hash: ROOT_240, root_version: '240', expected_root_hash: ROOT_240 },
  });
  expect(report.db_bytes).toBeGreaterThanOrEqual(100_000);
  expect(rates).toMatchObject({ fetched_bytes: 272_880, db_bytes: report.db_bytes });
  expect(phases).toEqual(expect.arrayContaining(['restoring state', 'saving transactions']));
  const [call] = tool.calls();
  expect(call).toContain('restore bootstrap-db --local-fs-dir /backups --metadata-cache-dir');
  expect(call).toContain(
    '--target-version 250 --ledger-history-start-version 138 --trust-waypoint 0:ab',
  );
  expect(readdirSync(scratch)).toEqual([]);
  await gone(tool.pids());
});

it.each<[string, Ending, Parameters<typeof standIn>[2], RegExp]>([
  ['ends with an error', 'fails', {}, /exit code 1: epoch history restore failed/],
  ['panics', 'panics', {}, /exit code 101: thread 'main' panicked .* Cannot find tree snapshot/],
  ['is killed', 'is killed', {}, /killed by signal 9/],
  ['says no success', 'says no success', {}, /said no success/],
  ['stops short', 'succeeds', { version: 245 }, /up to version 245, and 250 was expected/],
  ['restores another state', 'succeeds', { root: 'ab'.repeat(32) }, /is proven$/],
  ['says no state root', 'succeeds', { root: undefined }, /said no state root/],
])('a tool that %s fails the restore', async (_, ending, said, why) => {
  const { restore, scratch } = setUp(ending, said);
  const { report, rates } = await restore();
  expect(report.ok).toBe(false);
  expect(report.why.join()).toMatch(why);
  expect(report.last_lines.length).toBeGreaterThan(5);
  expect(rates).toBeUndefined();
  expect(readdirSync(scratch)).toEqual([]);
});

it('secrets in what the tool passes on from its adapter are hidden', async () => {
  const adapter = join(storageFolder(), 'adapter.yaml');
  const commands = ['create_backup', 'create_for_write', 'open_for_read', 'save_metadata_line'];
  writeFileSync(
    adapter,
    `env_vars:
  - { key: BEARER, value: s3cr3t-of-adapter }
commands:
${[...commands, 'list_metadata_files'].map((name) => `  ${name}: 'false'`).join('\n')}
`,
  );
  const { restore, tool } = setUp('quotes its adapter', {}, { command_adapter_config: adapter });
  const { report } = await restore();
  const shown = JSON.stringify(report);
  for (const secret of ['s3cr3t', 'hunter22', 'abcdef']) expect(shown).not.toContain(secret);
  expect(report.why[0]).toMatch(/exit code 1: command failed: curl/);
  expect(report.last_lines.join()).toContain('said 403');
  expect(tool.calls()[0]).toContain(`--command-adapter-config ${adapter}`);
});

it('a tool that falls silent is ended, with all that it has started', async () => {
  const { restore, tool, scratch } = setUp('hangs');
  const { report } = await restore({}, 5_000);
  expect(report.why[0]).toContain('it said nothing for 5 s and was ended');
  expect(tool.pids()).toHaveLength(2);
  await gone(tool.pids());
  expect(readdirSync(scratch)).toEqual([]);
});

it('a tool that shows dots for longer than it may be silent does not hang', async () => {
  const { restore } = setUp('shows dots');
  const { report } = await restore({}, 5_000);
  expect(report).toMatchObject({ ok: true, exit: 'exit code 0' });
});

it('a tool that says too much is heard to its end, and its progress is told a few times', async () => {
  const { restore, phases } = setUp('says too much');
  expect((await restore()).report).toMatchObject({ ok: true, version: '250' });
  expect(phases.length).toBeLessThan(500);
});

it('a line without an end takes no memory, and lines are those of the program', () => {
  const lines: string[] = [];
  const output = new OutputLines((line) => lines.push(line));
  for (let i = 0; i < 100; i += 1) output.push(Buffer.alloc(100_000, 'x'));
  for (const text of ['y\nab', 'c\r\n', '\n', 'd\re', '\u00e9', '\nlast']) {
    output.push(Buffer.from(text));
  }
  const accent = Buffer.from('\u00e9\n');
  output.push(accent.subarray(0, 1));
  output.push(accent.subarray(1));
  output.push(Buffer.from('end'));
  output.end();
  output.end();
  expect(lines[0]!.length).toBeLessThan(20_000);
  expect(lines.slice(1)).toEqual(['abc', 'd', 'e\u00e9', 'last\u00e9', 'end']);
});

it('a tool that fills the disk is ended before others have no room left', async () => {
  let looks = 0;
  const leastFree = () => (looks++ === 0 ? 0 : Infinity); // there is room when it begins
  const { restore, tool, scratch } = setUp('hangs', {}, undefined, leastFree);
  const { report } = await restore();
  expect(report.why[0]).toMatch(/it left only [0-9.]+ GB free on its disk and was ended/);
  await gone(tool.pids());
  expect(readdirSync(scratch)).toEqual([]);
});

it('a disk that hangs is asked once how full it is, and a silent tool is ended all the same', async () => {
  let asked = 0;
  const end = await runProgram({
    ...{ command: ['sleep', '600'], env: process.env, cwd: storageFolder() },
    ...{ signal: new AbortController().signal, silenceMs: 4_000, onLine: () => undefined },
    mustEnd: () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  });
  expect(end).toEqual({ ok: false, how: 'it said nothing for 4 s and was ended' });
  expect(asked).toBe(1);
});

it('a cancelled restore ends the tool and all that it has started', async () => {
  const { restore, tool, scratch, stopping } = setUp('hangs');
  const running = restore();
  await until('it hangs', () => tool.pids().length === 2);
  stopping.abort(new Error('cancelled'));
  await expect(running).rejects.toThrow('cancelled');
  await gone(tool.pids());
  expect(readdirSync(scratch)).toEqual([]);
});

it('a scratch folder without room is refused before anything runs', async () => {
  const { restore, tool } = setUp('succeeds');
  await expect(restore({ diskBytes: 1e18 })).rejects.toThrow(
    /needs about .* GB free; give a folder/,
  );
  expect(tool.calls()).toEqual([]);
});

it.each([1000, undefined])(
  'a restore of %s bytes that would leave others too little room is refused before anything runs',
  async (diskBytes) => {
    const { restore, tool } = setUp('succeeds', {}, undefined, () => 1e18);
    const refused = restore({ diskBytes: diskBytes! });
    await expect(refused).rejects.toThrow(
      /1000000000.0 GB must be left to others .* give a folder/,
    );
    expect(tool.calls()).toEqual([]);
  },
);

it('a scratch folder below a file is refused with a word', async () => {
  const { restore, tool, scratch } = setUp('succeeds');
  writeFileSync(scratch, 'a file');
  await expect(restore()).rejects.toMatchObject({
    code: 'DRILL_NO_ROOM',
    message: expect.stringMatching(/cannot be made \(ENOTDIR\); give another/) as string,
  });
  expect(tool.calls()).toEqual([]);
});

it('a tool that cannot be run is refused', async () => {
  const { restore, tool } = setUp('succeeds');
  chmodSync(tool.path, 0o644);
  await expect(restore()).rejects.toThrow(/cannot be run on this host \(EACCES\)/);
});

it('what a dead drill left is removed; what a living one or others have is not', async () => {
  const { restore, ours, scratch } = setUp('succeeds');
  const leave = (holder: string | undefined) => {
    mkdirSync(ours, { recursive: true });
    writeFileSync(join(ours, 'left'), 'x');
    if (holder !== undefined) writeFileSync(join(ours, 'holder.json'), holder);
  };
  leave(JSON.stringify({ pid: 1, start: 'of another boot' }));
  expect((await restore()).report.ok).toBe(true);
  // It could not remove this one when its drill ended.
  leave(JSON.stringify({ pid: process.pid, start: startOf(process.pid) }));
  expect((await restore()).report.ok).toBe(true);
  leave(JSON.stringify({ pid: process.ppid, start: startOf(process.ppid) }));
  await expect(restore()).rejects.toThrow(/is used by another drill, of process \d+; give another/);
  writeFileSync(join(ours, 'holder.json'), '');
  expect((await restore()).report.ok).toBe(true);
  leave(undefined);
  await expect(restore()).rejects.toThrow(/no holder\.json: it is not ours/);
  expect(existsSync(join(ours, 'left'))).toBe(true);
  expect(readdirSync(scratch)).toHaveLength(1);
});

const recorded = ['restore-kv-replay.log', 'restore-snapshot-only.log'].map(
  (name) => [name, sharedData('stock', 'logs', name)] as const,
);

it.skipIf(recorded.some(([, file]) => file === undefined)).each(recorded)(
  'what the real tool has said is understood: %s (skipped without the chain data beside the checkout)',
  (_, file) => {
    const log = new StockLog();
    const lines = readFileSync(file!, 'utf8').split('\n');
    for (const line of lines) log.take(line);
    expect(log.root).toEqual({ hash: ROOT_240, version: 240n });
    expect(log.items.amount).toBe(file!.includes('kv-replay') ? 552 : 300);
    expect(log.replayed.amount).toBe(file!.includes('kv-replay') ? 102 : 0);
    expect(wrongWith(log, { ok: true, how: 'exit code 0' }, { ...PLAN, target: '240' })).toEqual(
      [],
    );
    const cut = new StockLog();
    for (const line of lines.slice(0, 60)) cut.take(line);
    expect(
      wrongWith(cut, { ok: true, how: 'exit code 0' }, { ...PLAN, target: '240' }),
    ).not.toEqual([]);
  },
);
