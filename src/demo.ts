/**
 * The main job from end to end on this machine alone (`npm run demo`): a Temporal server, a simulated
 * node that grows, a worker; each of the three backups made by its workflow and read back.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ReadBack } from './backup/readback.js';
import { Interrupted, exitCodeOf, messageOf } from './cli/failure.js';
import { bytes } from './cli/format.js';
import { watchBackup } from './cli/watch.js';
import { type BackupInput, startBackup } from './client/start.js';
import { type Devnode, startDevnode } from './devnode/devnode.js';
import type { BackupType } from './plan/job.js';
import type { BackupResult } from './plan/unit.js';
import { openStorage } from './storage/open.js';
import { type TemporalSession, openTemporal } from './temporal/connection.js';
import { superviseWorker } from './temporal/worker-process.js';

const TRANSACTIONS = 30_000;
const STATE_ITEMS = 60_000;
const CHUNK_BYTES = 4_000_000;
const GROWTH_MS = 250;
const GROWTH_TRANSACTIONS = 50;

const say = (line: string) => console.log(line);
const stopping = new AbortController();

interface Row {
  result: BackupResult;
  seconds: number;
  readBack: bigint;
}

async function demo(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aptos-backup-demo-'));
  say(`Everything of this demo is in ${folder}`);
  say('Starting a simulated node and a Temporal server...');
  const node = await startDevnode({ transactions: TRANSACTIONS, stateItems: STATE_ITEMS });
  const growing = setInterval(() => node.grow({ transactions: GROWTH_TRANSACTIONS }), GROWTH_MS);
  const { genesis_waypoint: genesis, version } = node.facts();
  say(`Simulated node: ${node.address}, version ${version} and growing, genesis ${genesis}`);
  // Its own server, whatever this shell is set up for.
  const env = withoutTemporal(process.env);
  let session: TemporalSession | undefined;
  try {
    session = await openTemporal({ dataFolder: path.join(folder, 'data'), say, env });
    say(`Temporal UI: ${session.uiUrl} (while the demo runs)`);
    const rows = await runBackups(session, node, folder);
    printSummary(rows, node.facts().version, path.join(folder, 'backups'));
  } finally {
    clearInterval(growing);
    await session?.close();
    await node.close();
  }
}

async function runBackups(session: TemporalSession, node: Devnode, folder: string): Promise<Row[]> {
  const { client, workerEnv } = session;
  const logFile = path.join(folder, 'data', 'logs', 'worker.log');
  const worker = superviseWorker({ env: workerEnv, say, logFile });
  const { epoch, version, genesis_waypoint: genesis } = node.facts();
  const common = {
    node: node.address,
    storage: { local_fs_dir: path.join(folder, 'backups') },
    max_chunk_size: CHUNK_BYTES,
    trust_waypoints: [genesis],
    when_blocked: 'fail',
  } as const;
  const jobs: [BackupType, BackupInput][] = [
    ['epoch_ending', { ...common, start_epoch: 0, end_epoch: epoch }],
    ['state_snapshot', { ...common, epoch: epoch - 1 }],
    ['transaction', { ...common, start_version: 0, num_transactions: version + 1 }],
  ];
  const stored = new ReadBack(openStorage(common.storage), genesis);
  const rows: Row[] = [];
  try {
    for (const [type, input] of jobs) {
      const started = performance.now();
      const handle = await startBackup(client, type, input);
      say(`Workflow ${handle.workflowId}`);
      const result = await watchBackup(client, handle, stopping.signal);
      const seconds = (performance.now() - started) / 1000;
      rows.push({ result, seconds, readBack: await stored.check(type, result.manifest) });
      say(`  committed by ${result.metadata}, read back and proven again`);
    }
  } finally {
    await worker.stop();
  }
  return rows;
}

function printSummary(rows: Row[], version: number, folder: string): void {
  const table = [
    ['backup', 'records', 'chunks', 'size', 'rate', 'proven', 'read back'],
    ...rows.map(({ result, seconds, readBack }) => [
      result.type.replace('_', ' '),
      result.records,
      `${result.chunks}`,
      bytes(result.bytes),
      `${bytes(result.bytes / seconds)}/s`,
      result.proven,
      readBack === BigInt(result.records) ? 'all proven' : `only ${readBack}`,
    ]),
  ];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const lines = table.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '));
  say(['', ...lines, ''].join('\n'));
  say(`The node has grown to version ${version} meanwhile. The backups are in ${folder}`);
}

function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const cli = env['TEMPORAL_CLI_PATH'];
  const others = Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(others),
    ...(cli === undefined ? {} : { TEMPORAL_CLI_PATH: cli }),
  };
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
try {
  await demo();
} catch (error) {
  console.error(error instanceof Interrupted ? 'stopped' : `demo failed: ${messageOf(error)}`);
  process.exitCode = exitCodeOf(error);
}
