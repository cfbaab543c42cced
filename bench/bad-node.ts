/**
 * Backs up a small chain with all three kinds, first from a healthy node, then from one that fails by
 * FoundationDB's mix (25 % errors, 30 % throttled, 15 % delayed by up to ten seconds, 1 % corrupted).
 * `npm run bench:bad-node`. The goal: at most three times as long, plus the delays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackup } from '../src/client/start-backup.js';
import { type Devnode, startDevnode } from '../src/devnode/devnode.js';
import { openTemporal } from '../src/temporal-server/open-temporal.js';
import { superviseWorkers } from '../src/supervisor/worker-group.js';
import { PROFILES } from '../test/chaos/profiles.js';

const CHAIN = { transactions: 4_000, stateItems: 4_000, epochs: 9 };
/** Small chunks, so that there are as many requests as for a large chain. */
const CHUNK_BYTES = 100_000;
const ROUNDS = 3;
const GOAL = 3;

const folder = mkdtempSync(join(tmpdir(), 'aptos-backup-bench-'));
const say = (line: string) => console.error(line);
const session = await openTemporal({ dataFolder: join(folder, 'data'), say: () => undefined });
const worker = superviseWorkers({
  env: session.workerEnv,
  say,
  logFile: join(folder, 'worker.log'),
});
const node = await startDevnode(CHAIN);
try {
  await backUpAll(node, 'warm-up');
  const row = (...cells: string[]) => console.log(cells.map((cell) => cell.padEnd(16)).join(''));
  row('round', 'healthy', 'bad node', 'delays in all', 'requests', 'bad / healthy');
  for (let round = 1; round <= ROUNDS; round += 1) {
    const well = await backUpAll(node, `well-${round}`);
    for (const fault of PROFILES['bad-node']) node.fault(fault);
    const bad = await backUpAll(node, `bad-${round}`);
    const delays = node.faults().reduce((sum, fault) => sum + fault.waited_ms, 0) / 1000;
    node.clearFaults();
    const requests = `${bad.requests} for ${well.requests}`;
    const ratio = `${(bad.wall / well.wall).toFixed(1)} x`;
    const goal = bad.wall <= GOAL * well.wall + delays ? 'goal met' : 'goal MISSED';
    row(`${round}`, seconds(well.wall), seconds(bad.wall), seconds(delays), requests, ratio, goal);
  }
} finally {
  await node.close();
  await worker.stop();
  await session.close();
  rmSync(folder, { recursive: true });
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

/** Returns the wall time in seconds, and the number of requests to the node. */
async function backUpAll(from: Devnode, name: string) {
  const { epoch, version } = from.facts();
  from.clearRequests();
  const started = performance.now();
  const common = {
    node: from.address,
    storage: { local_fs_dir: join(folder, name) },
    max_chunk_size: CHUNK_BYTES,
    when_blocked: 'fail' as const,
  };
  const { client } = session;
  const range = { start_version: 0, num_transactions: version + 1 };
  const begun = [
    await startBackup(client, 'epoch_ending', { ...common, start_epoch: 0, end_epoch: epoch }),
    await startBackup(client, 'state_snapshot', { ...common, epoch: epoch - 1 }),
    await startBackup(client, 'transaction', { ...common, ...range }),
  ];
  await Promise.all(begun.map((handle) => handle.result()));
  const wall = (performance.now() - started) / 1000;
  const requests = Object.values(from.requests()).reduce((sum, times) => sum + times, 0);
  return { wall, requests };
}
