import type { ChildProcess } from 'node:child_process';
import type { Traffic } from '../node/traffic.js';
import { watchForSilence } from '../lib/host/silence.js';
import { type Say, reasonOf } from '../temporal/temporal-error.js';
import { InFlightActivities, type StrayError, type WorkerMessage } from './in-flight.js';
import { textOfLine } from '../lib/host/log.js';
import { rotateLog } from '../lib/host/log-file.js';
import { withoutSecrets } from '../lib/without-secrets.js';
import { spawnWorker } from './spawn-worker.js';
import { reportDeath } from './worker-death.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/**
 * Longest wait before a worker that has been connected is restarted. It can be short: work that kills its
 * worker goes to the apart worker after three deaths, so it does not cause restarts for ever.
 */
const LONGEST_WAIT_AFTER_WORK_MS = 2_000;
/** A worker that lived so long works; its next restart comes quickly again. */
const SOUND_MS = 10_000;
const STOP_MS = 60_000;
/** SIGKILL does not end a process that hangs in the kernel. After this time we stop waiting for it. */
const UNKILLABLE_MS = 15_000;
/** Time for the first message: the process must load its code first, maybe from a slow disk. */
const FIRST_WORD_S = 60;
/** To hand activities back takes milliseconds. A worker that takes longer is stuck and is killed. */
const DRAIN_MS = 10_000;
const ROTATE_MS = 60_000;

export interface SupervisedWorker {
  /** Process id of the worker; undefined while it is being restarted. */
  readonly pid: number | undefined;
  state(): WorkerState;
  /** Lets the worker finish or hand back its work; kills it after a minute. */
  stop(): Promise<void>;
  /** Kills the worker at once. */
  kill(): void;
}

/** The state of a supervised worker, for the health page. Times are unix milliseconds, except `changedAt`. */
export interface WorkerState {
  name: string;
  pid: number | undefined;
  /** When this process was started. */
  since: number;
  /** The worker asks the server for work, and the server answers. */
  connected: boolean;
  /** When `connected` last changed, by performance.now(): that clock is never set. */
  changedAt: number;
  restarts: number;
  lastDeath?: { at: number; how: string };
  /** Number of running activities of each type. */
  inHand: Record<string, number>;
}

export interface SuperviseOptions {
  env: NodeJS.ProcessEnv;
  say: Say;
  /** Where the worker's output goes; to the terminal when absent. */
  logFile?: string;
  /** The worker's name in messages. @default "The worker" */
  name?: string;
  /** Memory counts more than speed. @default false */
  small?: boolean;
  /** Path of the program. @default the worker of this build */
  script?: string;
  /** Called when the worker has died, before it is started again. */
  onDeath?: () => void;
  /** Called now and then while something waits for the apart worker. */
  onWaiting?: () => void;
  /** Called now and then with what the worker received from nodes since the last call. */
  onTraffic?: (traffic: Traffic) => void;
}

/**
 * Runs a worker process and starts it again whenever it dies. Reports the activities of a dead worker to
 * the server at once, so that their next attempts do not wait for a heartbeat timeout.
 *
 * The worker has its own process group: Ctrl-C reaches it only through us, because the Temporal runtime
 * dies at a second signal. A channel to us lets it stop when we are killed (supervisor/supervised.ts).
 */
export function superviseWorker(options: SuperviseOptions): SupervisedWorker {
  return new Supervisor(options);
}

class Supervisor implements SupervisedWorker {
  private readonly name: string;
  private child: ChildProcess | undefined;
  private inFlight = new InFlightActivities();
  private since = Date.now();
  private connected = false;
  private hasWorked = false;
  private changedAt = performance.now();
  private restarts = 0;
  private lastDeath: { at: number; how: string } | undefined;
  private restart: NodeJS.Timeout | undefined;
  private stopping = false;
  private wait = FIRST_WAIT_MS;

  constructor(private readonly options: SuperviseOptions) {
    this.name = options.name ?? 'The worker';
    this.start();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  state(): WorkerState {
    const { name, pid, since, connected, changedAt, restarts, lastDeath } = this;
    const inHand: Record<string, number> = {};
    for (const { activity } of this.inFlight.list()) {
      inHand[activity] = (inHand[activity] ?? 0) + 1;
    }
    return {
      ...{ name, pid, since, connected, changedAt, restarts },
      ...(lastDeath ? { lastDeath } : {}),
      inHand,
    };
  }

  async stop(): Promise<void> {
    const running = this.end();
    if (!running) return;
    let deadline: NodeJS.Timeout | undefined;
    const closed = new Promise<void>((resolve) => {
      running.once('close', () => resolve());
      deadline = setTimeout(() => {
        running.kill('SIGKILL');
        deadline = setTimeout(resolve, UNKILLABLE_MS);
      }, STOP_MS);
    });
    running.kill('SIGTERM');
    await closed;
    clearTimeout(deadline);
  }

  kill(): void {
    this.end()?.kill('SIGKILL');
  }

  private end(): ChildProcess | undefined {
    this.stopping = true;
    clearTimeout(this.restart);
    return this.child;
  }

  private start(): void {
    this.since = Date.now();
    this.hasWorked = false;
    this.inFlight = new InFlightActivities();
    let spawned: ReturnType<typeof spawnWorker>;
    try {
      spawned = spawnWorker(this.options);
    } catch (error) {
      this.startAgain(`cannot be started: ${reasonOf(error)}`);
      return;
    }
    const { child, identity, lastWords } = spawned;
    this.child = child;
    if (child.pid !== undefined) this.options.say(`${this.name} is started: process ${child.pid}`);
    const watch = this.watchOver(child, () => ended(null, 'SIGKILL'));
    let over = false;
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (over) return;
      over = true;
      this.child = undefined;
      this.note(false);
      watch.stop();
      if (this.stopping) return;
      const how = withoutSecrets(
        watch.reason() ?? howItEnded(code, signal, lastWords(), this.options.logFile),
        this.options.env,
      );
      this.lastDeath = { at: Date.now(), how };
      this.startAgain(how);
      this.options.onDeath?.();
      const { name, options, inFlight } = this;
      const stack = watch.stack();
      const death = { name, pid: child.pid ?? 0, identity, how, inFlight: inFlight.list() };
      void reportDeath({ ...death, ...(stack ? { stack } : {}) }, options);
      this.inFlight = new InFlightActivities();
    };
    child.once('close', ended);
    child.once('error', () => {
      if (child.pid === undefined) ended(1, null); // it never started
    });
  }

  /**
   * Handles the messages of the process and kills it when it is stuck. Calls `onUnkillable` if it still runs
   * some time after that.
   */
  private watchOver(child: ChildProcess, onUnkillable: () => void) {
    let stray: StrayError | undefined;
    let leaving: string | undefined;
    let killed: string | undefined;
    let draining: NodeJS.Timeout | undefined;
    const kill = (why: string) => {
      killed ??= why;
      child.kill('SIGKILL');
      setTimeout(onUnkillable, UNKILLABLE_MS).unref();
    };
    const killAfter = (ms: number) => {
      const why = `did not hand back its work within ${ms / 1000} s and was killed`;
      draining ??= setTimeout(() => kill(why), ms);
    };
    const silence = watchForSilence(
      (seconds) => kill(`did not answer for ${seconds} s and was killed`),
      FIRST_WORD_S,
    );
    const { logFile } = this.options;
    const rotating = logFile && setInterval(() => rotateLog(logFile), ROTATE_MS);
    child.on('message', (raw) => {
      const message = raw as WorkerMessage;
      silence.heard();
      this.inFlight.note(message);
      if ('connected' in message) this.note(message.connected);
      if ('waits' in message) this.options.onWaiting?.();
      if ('traffic' in message) this.options.onTraffic?.(message.traffic);
      if ('stray' in message && !stray) {
        stray = message.stray;
        killAfter(DRAIN_MS);
      }
      if ('leaving' in message) {
        leaving ??= message.leaving;
        killAfter(STOP_MS);
      }
    });
    return {
      /** Why the process ended, if we know more than its exit code says. */
      reason: () => {
        const first = stray && `stopped after a stray error: ${stray.message.split('\n')[0]}`;
        const replaced = leaving && `was replaced: ${leaving}`;
        return (
          [first, replaced, killed].filter((part) => part !== undefined).join(', and ') || undefined
        );
      },
      stack: () => stray?.stack,
      stop: () => {
        silence.stop();
        clearTimeout(draining);
        if (rotating) clearInterval(rotating);
      },
    };
  }

  private note(connected: boolean): void {
    if (connected !== this.connected) this.changedAt = performance.now();
    this.connected = connected;
    if (connected) this.hasWorked = true;
  }

  private startAgain(how: string): void {
    const { options, name } = this;
    if (Date.now() - this.since > SOUND_MS) this.wait = FIRST_WAIT_MS;
    const longest = this.hasWorked ? LONGEST_WAIT_AFTER_WORK_MS : LONGEST_WAIT_MS;
    const wait = Math.min(this.wait, longest);
    options.say(`${name} ${how}; starting it again in ${wait / 1000} s`, 'warn');
    this.restarts += 1;
    this.restart = setTimeout(() => this.start(), wait);
    this.wait = Math.min(wait * 2, longest);
  }
}

/**
 * How a process ended, in words. Its last output line says why it ended by itself. A process killed by a
 * signal prints nothing, unless Node.js aborted it for lack of memory (`FATAL ERROR`).
 */
function howItEnded(
  code: number | null,
  signal: NodeJS.Signals | null,
  words: string,
  logFile: string | undefined,
): string {
  const fatal = /FATAL ERROR: .*/.exec(words)?.[0];
  if (signal) return `was killed by ${signal}${fatal ? ` (${fatal.slice(0, 200)})` : ''}`;
  const last = fatal ?? textOfLine(words.trim().split('\n').at(-1) ?? '');
  const where = logFile === undefined ? '' : `log: ${logFile}`;
  const told = [last?.slice(0, 200), where].filter(Boolean).join('; ');
  return `ended with code ${code}${told ? ` (${told})` : ''}`;
}
