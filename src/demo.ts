/**
 * The main job from end to end on this machine alone (`npm run demo`), with the commands of an operator:
 * `up` follows a simulated node that grows, its worker is killed in the middle of a chunk, and `verify`
 * proves what was stored.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { textOfLine } from './lib/host/log.js';
import { builtProgram } from './lib/host/built.js';
import { readCatalog } from './repository/catalog.js';
import { type Devnode, startDevnode } from './devnode/devnode.js';
import { openStorage } from './storage/open.js';
import { withoutServer } from './temporal-server/without-server.js';

const TRANSACTIONS = 30_000;
const STATE_ITEMS = 60_000;
const GROWTH_MS = 250;
const GROWTH_TRANSACTIONS = 50;
/** Small, so that a short run has many chunks and batches. */
const SIZES = [
  ...['--max-chunk-size', '1000000'],
  ...['--transaction-batch-size', '10000', '--transaction-batch-seconds', '5'],
];
const LONGEST_MS = 300_000;

const say = (line: string) => console.log(line);
const stopping = new AbortController();
// Not once: npx passes on a Ctrl-C that this process gets by itself as well.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort());

/** Runs one of our commands as a process and shows its output. `onLine` sees each line. */
function run(args: string[], data: string, onLine?: (line: string) => void): ChildProcess {
  say(`\n$ aptos-backup ${args.join(' ')}`);
  const child = spawn(
    process.execPath,
    [fileURLToPath(builtProgram('cli.js')), ...args, '--data-dir', data],
    // A process group of its own, because the demo passes on Ctrl-C itself.
    { env: withoutServer(process.env), stdio: ['ignore', 'inherit', 'pipe'], detached: true },
  );
  createInterface({ input: child.stderr }).on('line', (line) => {
    const text = textOfLine(line);
    console.log(text);
    onLine?.(text);
  });
  stopping.signal.addEventListener('abort', () => child.kill('SIGINT'));
  return child;
}

const ended = (child: ChildProcess) =>
  new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));

async function demo(): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aptos-backup-demo-'));
  const data = path.join(folder, 'data');
  const backups = path.join(folder, 'backups');
  say(`Everything of this demo is in ${folder}`);
  const node = await startDevnode({
    ...{ transactions: TRANSACTIONS, stateItems: STATE_ITEMS, startTime: 'now' },
  });
  const growing = setInterval(
    () => node.grow({ transactions: GROWTH_TRANSACTIONS, at: Date.now() }),
    GROWTH_MS,
  );
  const { genesis_waypoint: genesis, version } = node.facts();
  say(`Simulated node: ${node.address}, version ${version} and growing, genesis ${genesis}`);
  const trust = ['--local-fs-dir', backups, '--trust-waypoint', genesis];
  try {
    let worker: number | undefined;
    const up = ['up', '--backup-service-address', node.address, ...trust, ...SIZES];
    const child = run(up, data, (line) => {
      worker = Number(/^Chunk worker is started: process (\d+)/.exec(line)?.[1] ?? worker);
    });
    const over = ended(child);
    try {
      await Promise.race([storyOf(node, backups, () => worker), over]);
    } finally {
      child.kill('SIGINT');
      await over;
    }
    if (stopping.signal.aborted) return 130;
    return await ended(run(['verify', ...trust], data));
  } finally {
    clearInterval(growing);
    await node.close();
  }
}

/** Lets the coordinator catch up, kills its worker, and waits until it follows. */
async function storyOf(node: Devnode, backups: string, worker: () => number | undefined) {
  // Planning takes samples, which are smaller than a range.
  const isRange = (url: string) => /^\/transactions\/\d+\/\d{3,}$/.test(url);
  const asked = () => Object.keys(node.requests()).filter(isRange).length;
  await until('the worker reads transactions', () => asked() > 1);
  const slow = { kind: 'slow', endpoint: 'transactions', bytes_per_second: 200_000 } as const;
  node.fault(slow); // so that the kill falls into a chunk
  const before = asked();
  await until('a chunk is under way', () => asked() > before);
  const pid = worker()!;
  say(`\n*** kill -9 ${pid}: the worker dies in the middle of a chunk ***`);
  process.kill(pid, 'SIGKILL');
  node.clearFaults();
  const { version } = node.facts();
  await until(`version ${version} is stored`, async () => (await storedTo(backups)) >= version);
}

async function storedTo(backups: string): Promise<number> {
  const { transactions } = await readCatalog(openStorage({ local_fs_dir: backups }));
  return Number(transactions.at(-1)?.lastVersion ?? -1n);
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LONGEST_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
    await sleep(100, undefined, { signal: stopping.signal }).catch(() => undefined);
    if (stopping.signal.aborted) return;
  }
}

try {
  process.exitCode = await demo();
} catch (error) {
  console.error(`demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
