import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup } from '../../lib/host/signal-group.js';
import { OutputLines } from './output-lines.js';

/**
 * Runs a program in a process group of its own. A second process of the group waits for the end of its input: when
 * this process is gone, however it died, it kills the whole group.
 */
const GUARDED = `exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(cat <&3; kill -KILL -$$) >/dev/null 2>&1 &
wait $program`;
const LOOK_MS = 1_000;
const LAST_WORDS_MS = 5_000;

export interface ProgramOrder {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Ends the program and all that it has started. */
  signal: AbortSignal;
  /** A program that says nothing for so long hangs, and is ended. */
  silenceMs: number;
  /** Asked every second, while no answer is due: why the program must end now, if it must. */
  mustEnd?: () => Promise<string | undefined>;
  onLine: (line: string) => void;
}

/** How a program ended, for people. */
export interface ProgramEnd {
  ok: boolean;
  how: string;
}

/** Living groups, for when this process ends in an orderly way. */
const groups = new Set<number>();
process.on('exit', () => groups.forEach((group) => signalGroup(group, 'SIGKILL')));

/** Runs a program to its end. Nothing of it is left behind. @throws the signal's reason when it aborts */
export async function runProgram(order: ProgramOrder): Promise<ProgramEnd> {
  const { command, env, cwd, signal, silenceMs, onLine } = order;
  signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', GUARDED, 'sh', ...command], {
    ...{ env, cwd, detached: true },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const group = child.pid;
  if (group === undefined) {
    await exit; // throws why it could not be started
    throw new Error('/bin/sh was not started');
  }
  groups.add(group);
  child.stdin.on('error', () => undefined); // it has ended already
  const end = () => signalGroup(group, 'SIGKILL');
  let heardAt = performance.now();
  let why: string | undefined;
  const outputs = [child.stdout, child.stderr].map((output) => {
    const lines = new OutputLines(onLine);
    output.on('data', (bytes: Buffer) => {
      heardAt = performance.now(); // dots without an end of line are words, too
      lines.push(bytes);
    });
    output.on('end', () => lines.end());
    output.on('error', () => undefined); // it is closed then
    return new Promise<void>((resolve) => output.on('close', () => resolve()));
  });
  let hasEnded = false;
  const mustEnd = oneAtATime(order.mustEnd);
  const look = async () => {
    const silent = performance.now() - heardAt >= silenceMs;
    const silence = `it said nothing for ${Math.round(silenceMs / 1000)} s`;
    const found = silent ? silence : await mustEnd();
    if (found === undefined || hasEnded) return;
    why ??= found;
    end();
  };
  const timer = setInterval(() => void look(), Math.min(LOOK_MS, silenceMs));
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code, killed] = await exit;
    hasEnded = true;
    end(); // what it has left running
    // What has left the group may keep the output open.
    await Promise.race([Promise.all(outputs), sleep(LAST_WORDS_MS)]);
    if (signal.aborted) throw signal.reason as Error;
    if (why !== undefined && killed !== null) return { ok: false, how: `${why} and was ended` };
    return { ok: code === 0, how: describeExit(code, killed) };
  } finally {
    clearInterval(timer);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    signal.removeEventListener('abort', end);
    end();
    groups.delete(group);
  }
}

/** Asks nothing while an answer is due: on a disk that hangs, each question takes a thread of those for files. */
function oneAtATime(
  ask: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): () => Promise<string | undefined> {
  let isDue = false;
  return async () => {
    if (isDue) return undefined;
    isDue = true;
    return ask().finally(() => (isDue = false));
  };
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `killed by ${signal}`;
  // A shell says so when a signal ended its program.
  return code !== null && code > 128 ? `killed by signal ${code - 128}` : `exit code ${code}`;
}
