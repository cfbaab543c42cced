import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../built.js';
import type { Say } from './errors.js';
import { InFlightActivities, type WorkerMessage } from './in-flight.js';
import { rotateLog } from './server-process.js';
import { reportDeath } from './worker-death.js';

/**
 * Records pass through in large buffers that live for moments. Small young generations and few malloc
 * arenas keep what is waiting to be collected small; it saves over 100 MB and costs no speed.
 */
const NODE_FLAGS = ['--max-semi-space-size=1'];
const MEMORY_ENV = { MALLOC_ARENA_MAX: '2' };
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A worker that lived so long is sound; its next restart is quick again. */
const SOUND_MS = 60_000;
const STOP_MS = 60_000;
/** A worker says every two seconds that it is alive; one that is silent for four looks is stuck. */
const LOOK_MS = 5_000;
const MOST_SILENT_LOOKS = 4;
const ALIVE_MS = 2_000;
/** One that hangs in the kernel cannot even be killed; it is not waited for. */
const UNDEAD_MS = 15_000;

export interface SupervisedWorker {
  /** Process id of the worker; undefined between two of them. */
  readonly pid: number | undefined;
  /** Lets the worker finish or hand back what it does; kills it after a minute. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

export interface SuperviseOptions {
  env: NodeJS.ProcessEnv;
  say: Say;
  /** Where the worker's output goes; to the terminal when absent. */
  logFile?: string;
  /** What people know it by. @default "The worker" */
  name?: string;
  /** The program. @default the worker beside this code */
  script?: string;
  /** Told when it has died, before it is started again. */
  onDeath?: () => void;
}

/**
 * Runs a worker process and starts it again whenever it dies; what it had in hand is reported to the
 * server at once, so that its next attempts need not wait for a heartbeat timeout. It has a process group of its own, so
 * that Ctrl-C reaches it only through us (the Temporal runtime dies at a second signal), and a
 * channel to us, so that it can stop when we are killed: see `stopWithParent`.
 */
export function superviseWorker(options: SuperviseOptions): SupervisedWorker {
  const { name = 'The worker', script = fileURLToPath(builtProgram('worker.js')) } = options;
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let stopping = false;
  let wait = FIRST_WAIT_MS;

  const start = (): void => {
    const started = Date.now();
    const running = spawnWorker(script, options);
    child = running;
    const inFlight = new InFlightActivities();
    running.once('error', () => {}); // 'close' follows
    let silentLooks: number | undefined; // undefined: it has not begun to tell
    let stuck = false;
    let over = false;
    const kill = () => {
      clearInterval(looking);
      running.kill('SIGKILL');
      setTimeout(() => end(null, 'SIGKILL'), UNDEAD_MS).unref();
    };
    running.on('message', (message) => {
      silentLooks = 0;
      const known = inFlight.leaving !== undefined;
      inFlight.note(message);
      if (!known && inFlight.leaving !== undefined) setTimeout(kill, STOP_MS).unref();
    });
    const looking = setInterval(() => {
      if (silentLooks === undefined || ++silentLooks < MOST_SILENT_LOOKS) return;
      stuck = true;
      kill();
    }, LOOK_MS);
    if (running.pid !== undefined) options.say(`${name} is started: process ${running.pid}`);
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (over) return;
      over = true;
      child = undefined;
      clearInterval(looking);
      if (stopping) return;
      if (Date.now() - started > SOUND_MS) wait = FIRST_WAIT_MS;
      // Who is killed has no last words.
      const how = stuck
        ? `did not answer for ${(LOOK_MS * MOST_SILENT_LOOKS) / 1000} s and was killed`
        : inFlight.leaving !== undefined
          ? `was replaced: ${inFlight.leaving}`
          : signal
            ? `was killed by ${signal}`
            : `ended with code ${code}${lastWords(options.logFile)}`;
      options.say(`${name} ${how}; starting it again in ${wait / 1000} s`);
      options.onDeath?.();
      const death = { pid: running.pid ?? 0, how, inFlight: inFlight.list() };
      void reportDeath(death, options);
      restart = setTimeout(start, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
    running.once('close', end);
  };
  start();

  return {
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping = true;
      clearTimeout(restart);
      const running = child;
      if (!running) return;
      let deadline: NodeJS.Timeout | undefined;
      const closed = new Promise<void>((resolve) => {
        running.once('close', () => resolve());
        deadline = setTimeout(() => {
          running.kill('SIGKILL');
          deadline = setTimeout(resolve, UNDEAD_MS);
        }, STOP_MS);
      });
      running.kill('SIGTERM');
      await closed;
      clearTimeout(deadline);
    },
    kill() {
      stopping = true;
      clearTimeout(restart);
      child?.kill('SIGKILL');
    },
  };
}

/** For the worker process: lets its supervisor know a stuck one, stopped or in an endless loop, by its silence. */
export function tellAlive(): void {
  if (!process.channel) return;
  const alive: WorkerMessage = { alive: true };
  setInterval(() => process.connected && process.send?.(alive), ALIVE_MS).unref();
}

/** For the worker process: tells its supervisor why it is going to end. */
export function tellLeaving(reason: string): void {
  const leaving: WorkerMessage = { leaving: reason };
  if (process.connected) process.send?.(leaving);
}

/** For the worker process: when its supervisor is gone, stop as if asked to. */
export function stopWithParent(): void {
  if (!process.channel) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref(); // listening for the end is no reason to live on
}

function spawnWorker(script: string, options: SuperviseOptions): ChildProcess {
  const { logFile } = options;
  const env = { ...MEMORY_ENV, ...options.env };
  if (logFile === undefined) {
    return spawn(process.execPath, [...NODE_FLAGS, script], {
      env,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }
  mkdirSync(dirname(logFile), { recursive: true });
  rotateLog(logFile);
  const log = openSync(logFile, 'a');
  try {
    return spawn(process.execPath, [...NODE_FLAGS, script], {
      env,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}

function lastWords(logFile: string | undefined): string {
  if (logFile === undefined) return '';
  const line = readFileSync(logFile, 'utf8').trim().split('\n').at(-1);
  return line ? ` (${line.slice(0, 200)}; log: ${logFile})` : ` (log: ${logFile})`;
}
