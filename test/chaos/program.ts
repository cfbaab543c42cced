import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const RESTART_MS = 1_000;
const STOP_MS = 90_000;

export interface ProgramOptions {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** File for its whole output. */
  log: string;
  onLine?: (line: string) => void;
  /** Runs before each start, to clear what a dead process leaves. */
  before?: () => void;
  cwd?: string;
  user?: { uid: number; gid: number };
}

/**
 * A process that is started again whenever it ends, as systemd does. Nothing else in a run helps by hand.
 */
export class Program {
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private held = 0;
  private stopping = false;
  /** Number of starts. */
  starts = 0;

  constructor(private readonly options: ProgramOptions) {}

  get name(): string {
    return this.options.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    if (this.child || this.held > 0 || this.stopping) return;
    const { command, args, env, log, onLine, before, name, user, cwd } = this.options;
    before?.();
    this.starts += 1;
    const errors = onLine ? 'pipe' : openSync(log, 'a');
    const out = openSync(log, 'a');
    // A process group of its own, because the test passes on Ctrl-C itself.
    const child = spawn(command, args, {
      ...{ env, detached: true, stdio: ['ignore', out, errors], ...user },
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(out);
    if (typeof errors === 'number') closeSync(errors);
    this.child = child;
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        appendFileSync(log, `${line}\n`);
        onLine?.(line);
      });
    }
    child.once('error', () => undefined); // the check below covers a failed start
    child.once('exit', (code, signal) => {
      this.child = undefined;
      appendFileSync(log, `--- ${name} ended: ${signal ?? `code ${code}`}\n`);
      if (!this.stopping) this.timer = setTimeout(() => this.start(), RESTART_MS);
    });
  }

  /** Keeps the process from being started again until the returned function is called. */
  hold(): () => void {
    this.held += 1;
    return () => {
      this.held -= 1;
      this.start();
    };
  }

  /** Ends the process in order. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const { child } = this;
    if (!child) return;
    const over = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const late = sleep(STOP_MS, 'late' as const, { ref: false });
    if ((await Promise.race([over, late])) === 'late') {
      throw new Error(`${this.name}, process ${child.pid}, did not end within ${STOP_MS / 1000} s`);
    }
  }
}
