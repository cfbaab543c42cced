/**
 * What it costs to start: CPU seconds and time of tiny commands, and the memory of an idle `up`, by
 * process. `npm run bench:start`, on Linux. It runs what `npm run build` has built. CPU time says most: it hardly depends
 * on what else the machine does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../src/lib/host/built.js';
import { startDevnode } from '../src/devnode/devnode.js';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const SAMPLE_MS = 20;
/** `up` counts as idle so long after it has stored everything. */
const IDLE_MS = Number(process.env['BENCH_IDLE_MS'] ?? 30_000);
const TICKS_PER_SECOND = 100;
const cli = fileURLToPath(builtProgram('cli.js'));

interface Cost {
  cpu: number;
  wall: number;
  byProcess: Map<string, number>;
}

const root = mkdtempSync(join(tmpdir(), 'bench-start-'));
const node = await startDevnode({ transactions: 400, stateItems: 600, epochs: 4 });
const env = { ...process.env, APTOS_BACKUP_DATA_DIR: join(root, 'data') };
const storage = ['--local-fs-dir', join(root, 'storage')];
const service = ['--backup-service-address', node.address];
try {
  await idle();
  title('CPU seconds', 'wall seconds', 'CPU seconds by process');
  await costs('--version', () => ['--version']);
  await costs('verify, unchanged', () => ['verify', ...storage]);
  await costs('oneoff, 1 transaction', (round) => {
    const range = ['--start-version', '0', '--num_transactions', '1'];
    const own = ['--local-fs-dir', join(root, `oneoff-${round}`)];
    return ['oneoff', 'transaction', ...range, ...service, ...own];
  });
} finally {
  await node.close();
  rmSync(root, { recursive: true, force: true, maxRetries: 10 });
}

/** `up` until everything is stored, then what it holds while it waits. Leaves the storage to the other rows. */
async function idle(): Promise<void> {
  const up = spawn(process.execPath, [cli, 'up', ...service, ...storage, '--json'], { env });
  await new Promise<void>((resolve, reject) => {
    up.once('close', () => reject(new Error('up has ended')));
    up.stdout.on('data', (part: Buffer) => {
      if (part.toString().includes(`"stored_to":${node.facts().version}`)) resolve();
    });
    setTimeout(resolve, IDLE_MS);
  });
  await sleep(IDLE_MS);
  title('PSS MB', 'CPU seconds');
  let all = 0;
  for (const pid of treeOf(up.pid!)) {
    const pss = pssOf(pid);
    all += pss;
    row(nameOf(pid), pss.toFixed(0), cpuOf(pid).toFixed(2));
  }
  row('up, idle', all.toFixed(0));
  await costs('status', () => ['status', ...storage]);
  up.kill('SIGINT');
  await ended(up);
}

/** The median of some rounds. */
async function costs(name: string, argsOf: (round: number) => string[]): Promise<void> {
  const rounds: Cost[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await cost(argsOf(round)));
  const { cpu, wall, byProcess } = rounds.sort((a, b) => a.cpu - b.cpu)[ROUNDS >> 1]!;
  const parts = [...byProcess].map(([process, seconds]) => `${process} ${seconds.toFixed(2)}`);
  row(name, cpu.toFixed(2), wall.toFixed(2), parts.join(', '));
}

/** Samples the processes while they run: the last sample of each counts. The sum is exact, as the kernel counts it. */
async function cost(args: string[]): Promise<Cost> {
  const begun = performance.now();
  const before = reapedCpu();
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: 'ignore' });
  const seen = new Map<number, [name: string, seconds: number]>();
  const sampling = setInterval(() => {
    for (const pid of treeOf(child.pid!)) {
      const name = nameOf(pid); // none once it has ended
      if (name !== '') seen.set(pid, [name, cpuOf(pid)]);
    }
  }, SAMPLE_MS);
  const code = await ended(child);
  clearInterval(sampling);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with code ${code}`);
  const byProcess = new Map<string, number>();
  for (const [name, seconds] of seen.values()) {
    byProcess.set(name, (byProcess.get(name) ?? 0) + seconds);
  }
  return { cpu: reapedCpu() - before, wall: (performance.now() - begun) / 1000, byProcess };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(statOf(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (of: number): number[] => [of, ...(children.get(of) ?? []).flatMap(below)];
  return below(pid);
}

/** The fields of /proc/PID/stat after the name of the program: state, parent and so on. */
function statOf(pid: number | 'self'): string[] {
  return read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
}

function cpuOf(pid: number): number {
  const [user, system] = statOf(pid).slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
}

/** What all ended processes below this one took. */
function reapedCpu(): number {
  const [user, system] = statOf('self').slice(13, 15).map(Number);
  return (user! + system!) / TICKS_PER_SECOND;
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
}

function nameOf(pid: number): string {
  const role = /APTOS_BACKUP_ROLE=(\w+)/.exec(read(`/proc/${pid}/environ`))?.[1];
  if (role !== undefined) return role;
  const command = read(`/proc/${pid}/cmdline`);
  return command.includes('server\0start-dev') ? 'server' : command === '' ? '' : 'command';
}

/** What a file says; nothing if its process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function title(...cells: string[]): void {
  console.log();
  row('', ...cells);
}

function row(...cells: string[]): void {
  console.log(cells.map((cell, i) => cell.padEnd(i === 0 ? 24 : 14)).join(''));
}
