import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../../built.js';
import { logSize, logTail, openLog } from '../log-file.js';
import { newMark, workerIdentity } from './worker-identity.js';
import type { SuperviseOptions } from './worker-process.js';

/**
 * Records pass through in large buffers that live for moments. Small young generations and few malloc
 * arenas keep what is waiting to be collected small; it saves over 100 MB and costs no speed.
 */
const NODE_FLAGS = ['--max-semi-space-size=1'];
const MEMORY_ENV = { MALLOC_ARENA_MAX: '2' };
const WORDS_KEPT = 16 * 1024;

interface Spawned {
  child: ChildProcess;
  /** What the Temporal server knows it by. */
  identity: string;
  /** The end of what this process wrote for people. */
  lastWords: () => string;
}

/** Output goes to the log; to the terminal where there is none, and what it says of errors through us. */
export function spawnWorker({ logFile, env: given, script }: SuperviseOptions): Spawned {
  const mark = newMark();
  const program = script ?? fileURLToPath(builtProgram('worker.js'));
  const start = (stdio: StdioOptions) => {
    const env = { ...MEMORY_ENV, ...given };
    const args = [...NODE_FLAGS, program, mark];
    const child = spawn(process.execPath, args, { env, detached: true, stdio });
    return { child, identity: workerIdentity(child.pid ?? 0, mark) };
  };
  const log = logFile === undefined ? undefined : openLog(logFile);
  if (logFile !== undefined && log !== undefined) {
    const from = logSize(logFile);
    try {
      return { ...start(['ignore', log, log, 'ipc']), lastWords: () => logTail(logFile, from) };
    } finally {
      closeSync(log);
    }
  }
  const started = start(['ignore', 'inherit', 'pipe', 'ipc']);
  let words = '';
  started.child.stderr?.on('data', (part: Buffer) => {
    process.stderr.write(part);
    words = (words + part.toString()).slice(-WORDS_KEPT);
  });
  return { ...started, lastWords: () => words };
}
