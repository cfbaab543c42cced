import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeScratch, removeScratch } from './scratch.js';
import { signalGroup } from '../../lib/host/signal-group.js';
import { noteTidying } from '../../lib/host/tidying.js';

const TICK_MS = 1000;
/** How long a command may take to end after SIGTERM: shorter than a cancelled thread may take (`thread-job.ts`). */
const GRACE_MS = 500;
/** How long processes that a command left behind may take to end, such as an upload in a process substitution. */
const LEFT_BEHIND_MS = 30_000;
const MOST_STDERR = 16 * 1024;
/** How long words on stderr count as life, in idle limits. A progress meter goes on for ever. */
const MOST_SPOKEN = 6;
/** How often a command that starts other programs meanwhile is killed. */
const MOST_KILLS = 25;
const KILL_MS = 200;
const OPTIONS = 'set -o nounset -o errexit -o pipefail; ';
/**
 * Node.js reads output through sockets, and nobody can open /dev/stdout or /dev/stderr if it is a socket. The second
 * bash knows nothing of `cat`, for which a bare `wait` would wait. Stderr comes first: its `cat` must not have the other
 * pipe.
 */
const THROUGH_PIPES = 'exec 2> >(exec cat -u >&2); exec > >(exec cat -u); ';
/** By this we know the two: they live as long as anybody has the pipe, such as a daemon of `ssh`. */
const OF_PIPE = 'cat\0-u\0';
const RUN = 'exec bash -c "$1"';

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
  /** Makes the error for a command that took longer, from what it said on stderr. */
  stalled: (stderr: string) => Error;
}

/** How a command ended: 0 to 255, or a signal as bash counts it. */
export interface Ended {
  status: number;
  stderr: string;
}

/** Living sessions: a command with all that it started. They are killed when this process ends. */
const sessions = new Set<number>();
process.on('exit', () => sessions.forEach((session) => signalSession(session, 'SIGKILL')));

/**
 * A running command of an adapter. It has its own session and its own TMPDIR. The caller must call `end`, which
 * leaves nothing of it behind.
 */
export class RunningCommand {
  private lastByte = performance.now();
  private lastWord = performance.now();
  private isGone = false;
  private position = '';
  private paused = false;
  private failure: Error | undefined;
  private said = Buffer.alloc(0);
  private cut = false;
  private ending: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly onAbort = () => this.stop(this.order.signal.reason as Error);

  private constructor(
    private readonly child: Pick<ChildProcess, 'pid'> & { stdout: Readable; stderr: Readable },
    private readonly exited: Promise<number>,
    private readonly scratch: string,
    private readonly order: CommandOrder,
  ) {
    exited.catch(() => undefined);
    if (child.pid !== undefined) sessions.add(child.pid);
    child.stderr.on('data', (part: Buffer) => this.hear(part));
    this.timer = setInterval(() => this.look(), TICK_MS);
    order.signal.addEventListener('abort', this.onAbort, { once: true });
    if (order.signal.aborted) this.onAbort();
  }

  static start(order: CommandOrder): Promise<RunningCommand> {
    return noteTidying(this.begin(order));
  }

  private static async begin(order: CommandOrder): Promise<RunningCommand> {
    order.signal.throwIfAborted();
    const scratch = await makeScratch(order.variables['TMPDIR']);
    try {
      const outer = `${THROUGH_PIPES}${inputOf(order)}${RUN}`;
      const child = spawn('bash', ['-c', outer, 'bash', `${OPTIONS}${order.text}`], {
        env: { ...process.env, ...order.variables, TMPDIR: scratch },
        stdio: [order.stdin ?? 'ignore', 'pipe', 'pipe'],
        detached: true,
      });
      const exited = exitOf(child);
      exited.catch(() => undefined);
      await once(child, 'spawn'); // fails where no process can be started
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
  end(): Promise<void> {
    this.ending ??= noteTidying(this.leave());
    return this.ending;
  }

  private async leave(): Promise<void> {
    this.order.signal.removeEventListener('abort', this.onAbort);
    const { pid } = this.child;
    if (pid !== undefined && !(await this.goneWithin(0))) {
      // Kill an upload at once. Otherwise it may take the end of a killed `gzip` for the end of the file.
      const gently = this.order.stdin === undefined;
      if (gently) signalSession(pid, 'SIGTERM');
      let wait = gently ? GRACE_MS : 0;
      for (let kills = 0; kills < MOST_KILLS && !(await this.goneWithin(wait)); kills += 1) {
        signalSession(pid, 'SIGKILL');
        wait = KILL_MS;
      }
      await this.exited.catch(() => undefined);
    }
    clearInterval(this.timer);
    const { stdout, stderr } = this.child;
    const areClosed = stdout.closed && stderr.closed;
    stdout.destroy();
    stderr.destroy();
    if (pid !== undefined) {
      if (!areClosed && groupsOf(pid, { withPipes: true }).length > 0)
        signalSession(pid, 'SIGKILL');
      sessions.delete(pid);
    }
    await removeScratch(this.scratch).catch(() => undefined);
  }

  /** Stops the command. Whoever waits for it gets `reason`. */
  private stop(reason: Error): void {
    if (this.failure) return;
    this.failure = reason;
    void this.end();
  }

  private hear(part: Buffer): void {
    this.lastWord = performance.now();
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
    const { idleMs } = this.order;
    const silent = performance.now() - this.lastByte;
    const isAlive = performance.now() - Math.max(this.lastByte, this.lastWord) < idleMs;
    if (isAlive && silent < MOST_SPOKEN * idleMs) this.order.progress();
    else this.stop(this.order.stalled(this.stderr));
  }

  /** Whether all processes of the session have ended. */
  private async goneWithin(ms: number): Promise<boolean> {
    const { pid } = this.child;
    const until = performance.now() + ms;
    const runs = () => pid !== undefined && !this.isGone && groupsOf(pid).length > 0;
    for (let pause = 5; runs(); pause = Math.min(2 * pause, 200)) {
      if (performance.now() >= until) return false;
      await sleep(pause);
    }
    this.isGone = true;
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

/**
 * The process groups of a session in which a process still runs: `timeout` makes one of its own. A zombie does not
 * count: its parent may never collect it.
 */
function groupsOf(session: number, { withPipes = false } = {}): number[] {
  const found = new Set<number>();
  try {
    for (const name of readdirSync('/proc')) {
      const [state, , group, of] = /^\d+$/.test(name) ? stateOf(name) : [];
      if (Number(of) !== session || state === 'Z' || state === 'X') continue;
      if (withPipes || commandOf(name) !== OF_PIPE) found.add(Number(group));
    }
  } catch {
    return signalGroup(session, 0) ? [session] : []; // known on Linux only
  }
  return [...found];
}

/** Other groups first: an upload under `timeout` must not see the end of a `gzip` that was killed before it. */
function signalSession(session: number, signal: NodeJS.Signals): void {
  const groups = groupsOf(session).filter((group) => group !== session);
  for (const group of [...groups, session]) signalGroup(group, signal);
}

/** `azcopy` takes its input from a pipe only. `cat` ends where the file ends. */
function inputOf({ text, stdin }: CommandOrder): string {
  return stdin !== undefined && /\bPipeBlob\b/.test(text) ? 'exec < <(exec cat); ' : '';
}

/** State, parent, group and session of a process; nothing for one that has gone. */
function stateOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Name and arguments of a process, each with a NUL; empty for one that has gone. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
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
