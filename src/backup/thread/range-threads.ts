import { Worker } from 'node:worker_threads';
import { decodeLedgerInfoWithSignatures } from '../../aptos/chain/ledger-info.js';
import { builtProgram } from '../../built.js';
import { addTraffic } from '../../node/traffic.js';
import type { RangeResult } from '../../plan/unit.js';
import { BackupError } from '../errors.js';
import type { LedgerInfoProver } from '../trust/ledger-info-proof.js';
import { endThread } from './end-thread.js';
import { type FromThread, type RangeTask, type ToThread, fromPlain, toPlain } from './messages.js';
import { watchThread } from './watch-thread.js';

/** Heap a range thread may use; hasher memory and file buffers come on top. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };
/** How long a cancelled thread may take to stop by itself before it is terminated. */
const CANCEL_GRACE_MS = 1_000;

export interface RangeWatch {
  ledgerInfos: LedgerInfoProver;
  signal: AbortSignal;
  onProgress(progress: { phase: string; records: number; bytes: number }): void;
}

/**
 * Threads that back up ranges. A thread that finished is kept for the next range (its code is warm);
 * one that failed is thrown away.
 */
export class RangeThreads {
  private readonly idle = new Set<Worker>();
  private closed = false;

  /** Backs up one range from one node in a thread of its own. @throws what the range threw; THREAD_DIED */
  async run(task: RangeTask, node: string, watch: RangeWatch): Promise<RangeResult> {
    watch.signal.throwIfAborted();
    const [kept] = this.idle;
    const thread = kept ?? this.spawn();
    this.idle.delete(thread);
    try {
      const result = await follow(thread, task, node, watch);
      if (this.closed) await endThread(thread, 'an idle thread');
      else this.idle.add(thread);
      return result;
    } catch (error) {
      await endThread(thread, `the thread of ${task.range.first} to ${task.range.last}`);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.idle].map((thread) => endThread(thread, 'an idle thread')));
  }

  private spawn(): Worker {
    const thread = new Worker(builtProgram('backup/thread/range-thread.js'), {
      resourceLimits: RESOURCE_LIMITS,
    });
    // One that dies while nobody uses it is missed by nobody; unheard, its error would be ours.
    thread.on('error', () => this.idle.delete(thread));
    thread.on('exit', () => this.idle.delete(thread));
    return thread;
  }
}

function follow(
  thread: Worker,
  task: RangeTask,
  node: string,
  watch: RangeWatch,
): Promise<RangeResult> {
  return new Promise<RangeResult>((resolve, reject) => {
    const send = (message: ToThread) => thread.postMessage(message);
    let grace: NodeJS.Timeout | undefined;

    const onMessage = (message: FromThread) => {
      switch (message.kind) {
        case 'progress':
          watch.onProgress(message);
          break;
        case 'traffic':
          addTraffic(message.traffic);
          break;
        case 'prove':
          void prove(message.ledgerInfo, message.last, watch).then(
            (proven) => send({ kind: 'proven', id: message.id, proven }),
            (error: unknown) => send({ kind: 'not proven', id: message.id, error: toPlain(error) }),
          );
          break;
        case 'done':
          settle(() => resolve(message.result));
          break;
        case 'failed':
          settle(() => reject(fromPlain(message.error)));
          break;
      }
    };
    const watching = watchThread(thread, (why) => settle(() => reject(died(task, why))));
    const onAbort = () => {
      send({ kind: 'cancel' });
      grace = setTimeout(() => settle(() => reject(watch.signal.reason as Error)), CANCEL_GRACE_MS);
    };
    const settle = (how: () => void) => {
      clearTimeout(grace);
      watching.stop();
      thread.off('message', onMessage);
      watch.signal.removeEventListener('abort', onAbort);
      how();
    };

    thread.on('message', onMessage);
    watch.signal.addEventListener('abort', onAbort);
    send({ kind: 'run', task, node });
  });
}

async function prove(bytes: Uint8Array, last: bigint | undefined, watch: RangeWatch) {
  const signed = decodeLedgerInfoWithSignatures(bytes);
  return last === undefined
    ? watch.ledgerInfos.proveEnding(signed, watch.signal)
    : watch.ledgerInfos.prove(signed, last, watch.signal);
}

function died(task: RangeTask, why: string): BackupError {
  return new BackupError(
    'THREAD_DIED',
    `the thread that backed up ${task.range.first} to ${task.range.last} died: ${why}`,
    true,
  );
}
