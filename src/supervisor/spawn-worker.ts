import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtProgram } from '../lib/host/built.js';
import { logSize, logTail, openLog } from '../lib/host/log-file.js';
import { newMark, workerIdentity } from './worker-identity.js';
import type { SuperviseOptions } from './worker-process.js';

/**
 * Records pass through a worker in large buffers that live for moments. A small young generation and few
 * malloc arenas free these buffers early, and malloc gives buffers of a megabyte back at once. This saves over 100 MB
 * and costs no speed.
 */
const NODE_FLAGS = ['--max-semi-space-size=1'];
const MEMORY_ENV = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576' };
/**
 * Small data, and long waits: V8 keeps less code and a smaller heap, and malloc gives free memory back at once. This
 * saves a third of the memory of the worker of workflows.
 */
const SMALL_FLAGS = ['--optimize-for-size'];
const SMALL_ENV = { MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '65536' };
/** Characters of stderr that are kept for the report of a death. */
const OUTPUT_KEPT = 16 * 1024;

interface Spawned {
  child: ChildProcess;
  /** The worker's name at the Temporal server. */
  identity: string;
  /** The end of the output of this process; it often says why the process died. */
  lastWords: () => string;
}

/**
 * Starts a worker process. Its output goes to the log file. Without one it goes to the terminal; stderr
 * then passes through this process, which keeps its end.
 */
export function spawnWorker({ logFile, env: given, script, small }: SuperviseOptions): Spawned {
  const mark = newMark();
  const program = script ?? fileURLToPath(builtProgram('worker.js'));
  const start = (stdio: StdioOptions) => {
    const env = { ...MEMORY_ENV, ...(small ? SMALL_ENV : {}), ...given };
    const args = [...NODE_FLAGS, ...(small ? SMALL_FLAGS : []), program, mark];
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
    words = (words + part.toString()).slice(-OUTPUT_KEPT);
  });
  return { ...started, lastWords: () => words };
}
