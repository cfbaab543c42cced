import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeScratch, removeScratch } from './scratch.js';
import { signalGroup } from '../../lib/host/signal-group.js';

const TICK_MS = 1000;
/** How long a command may take to end after SIGTERM. */
const GRACE_MS = 2000;
/** How long processes that a command left behind may take to end, such as an upload in a process substitution. */
const LEFT_BEHIND_MS = 30_000;
const MOST_STDERR = 16 * 1024;
const OPTIONS = 'set -o nounset -o errexit -o pipefail; ';

export interface CommandOrder {
  /** The command, as it stands in the YAML. */
  text: string;
  /** Added to the inherited environment; later ones win. */
  variables: Record<string, string>;
  /** A file to be its standard input; nothing when left out. */
  stdin?: number;
  signal: AbortSignal;
  /** Called every second until the command has stalled. */
  progress: () => void;
  /** How long the command may run without moving a byte, in milliseconds. */
  idleMs: number;
  /** Makes the error for a command that took longer. */
  stalled: () => Error;
}

/** How a command ended: 0 to 255, or a signal as bash counts it. */
export interface Ended {
  status: number;
  stderr: string;
}

/** Living process groups. They are killed when this process ends. */
const groups = new Set<number>();
process.on('exit', () => groups.forEach((group) => signalGroup(group, 'SIGKILL')));

/**
 * A running command of an adapter. It has its own process group and its own TMPDIR. The caller must call `end`, which
 * leaves nothing of it behind.
 */
export class RunningCommand {
  private lastByte = performance.now();
  private position = '';
  private paused = false;
  private failure: Error | undefined;
  private said = Buffer.alloc(0);
  private cut = false;
  private readonly timer: NodeJS.Timeout;
  private readonly onAbort = () => this.stop(this.order.signal.reason as Error);

  private constructor(
    private readonly child: Pick<ChildProcess, 'pid'> & { stdout: Readable; stderr: Readable },
    private readonly exited: Promise<number>,
    private readonly scratch: string,
    private readonly order: CommandOrder,
  ) {
    exited.catch(() => undefined);
    if (child.pid !== undefined) groups.add(child.pid);
    child.stderr.on('data', (part: Buffer) => this.hear(part));
    this.timer = setInterval(() => this.look(), TICK_MS);
    order.signal.addEventListener('abort', this.onAbort, { once: true });
    if (order.signal.aborted) this.onAbort();
  }

  static async start(order: CommandOrder): Promise<RunningCommand> {
    order.signal.throwIfAborted();
    const scratch = await makeScratch();
    try {
      const child = spawn('bash', ['-c', `${OPTIONS}${order.text}`], {
        env: { ...process.env, TMPDIR: scratch, ...order.variables },
        stdio: [order.stdin ?? 'ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const exited = exitOf(child);
      const { pid, stdout, stderr } = child;
      if (!stdout || !stderr) throw new Error('a command without output');
      return new RunningCommand({ ...(pid && { pid }), stdout, stderr }, exited, scratch, order);
    } catch (error) {
      await removeScratch(scratch);
      throw error;
    }
  }

  /** What it has said on stderr so far. Only the end is kept. */
  get stderr(): string {
    const text = this.said.toString('utf8');
    // A cut may be in the middle of a secret, so the first line is dropped.
    return this.cut ? text.slice(text.indexOf('\n') + 1 || text.length) : text;
  }

  /** Its standard output in parts. @throws the reason when it was stopped */
  async *output(): AsyncGenerator<Buffer> {
    try {
      for await (const part of this.child.stdout as AsyncIterable<Buffer>) {
        this.paused = true; // the reader's time does not count against the command
        yield part;
        this.moved();
        this.paused = false;
      }
    } catch (error) {
      throw this.failure ?? error;
    }
    if (this.failure) throw this.failure;
  }

  /**
   * Waits until it ends by itself. Call it after the output was read to its end. @throws the reason when it was
   * stopped
   */
  async ended(): Promise<Ended> {
    const status = await this.exited;
    if (await this.goneWithin(LEFT_BEHIND_MS)) await closed(this.child.stderr);
    if (this.failure) throw this.failure;
    return { status, stderr: this.stderr };
  }

  /** Ends it, if it still runs, and removes what it left behind. Never throws. */
  async end(): Promise<void> {
    this.order.signal.removeEventListener('abort', this.onAbort);
    const { pid } = this.child;
    if (pid !== undefined && !(await this.goneWithin(0))) {
      // Kill an upload at once. Otherwise it may take the end of a killed `gzip` for the end of the file.
      const gently = this.order.stdin === undefined;
      if (gently) signalGroup(pid, 'SIGTERM');
      if (!gently || !(await this.goneWithin(GRACE_MS))) signalGroup(pid, 'SIGKILL');
      await this.exited.catch(() => undefined);
    }
    clearInterval(this.timer);
    this.child.stdout.destroy();
    this.child.stderr.destroy();
    if (pid !== undefined) groups.delete(pid);
    await removeScratch(this.scratch).catch(() => undefined);
  }

  /** Stops the command. Whoever waits for it gets `reason`. */
  private stop(reason: Error): void {
    if (this.failure) return;
    this.failure = reason;
    void this.end();
  }

  private hear(part: Buffer): void {
    this.moved();
    const all = Buffer.concat([this.said, part]);
    this.cut ||= all.length > MOST_STDERR;
    this.said = all.subarray(-MOST_STDERR);
  }

  private moved(): void {
    this.lastByte = performance.now();
  }

  private look(): void {
    const position = this.order.stdin === undefined ? '' : positionOf(this.order.stdin);
    if (this.paused || position !== this.position) this.moved();
    this.position = position;
    if (performance.now() - this.lastByte < this.order.idleMs) this.order.progress();
    else this.stop(this.order.stalled());
  }

  /** Whether all processes of the group have ended. */
  private async goneWithin(ms: number): Promise<boolean> {
    const { pid } = this.child;
    const until = performance.now() + ms;
    for (let pause = 5; pid !== undefined && isAlive(pid); pause = Math.min(2 * pause, 200)) {
      if (performance.now() >= until) return false;
      await sleep(pause);
    }
    return true;
  }
}

/** Waits until all that was written is read. */
async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await Promise.race([once(stream, 'close'), sleep(TICK_MS)]);
}

async function exitOf(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? (signal === 'SIGPIPE' ? 141 : 137);
}

/** Whether a process of a group still runs. A zombie does not count: its parent may never collect it. */
function isAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  try {
    return readdirSync('/proc').some((name) => {
      const [state, , of] = /^\d+$/.test(name) ? stateOf(name) : [];
      return Number(of) === group && state !== 'Z' && state !== 'X';
    });
  } catch {
    return true; // known on Linux only
  }
}

/** State, parent and group of a process; nothing for one that has gone. */
function stateOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** How far the processes that share an open file have read it. Known on Linux only. */
function positionOf(file: number): string {
  try {
    return /^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
