import { Worker } from 'node:worker_threads';
import { decodeLedgerInfoWithSignatures } from '../../aptos/index.js';
import { builtProgram } from '../../lib/host/built.js';
import type { LimitedGate } from '../../node/limited-gate.js';
import { addTraffic } from '../../node/traffic.js';
import type { Proven, RangeResult } from '../../contract/unit.js';
import { BackupError } from '../../errors/backup-error.js';
import type { RangeReport } from './range.js';
import type { LedgerInfoProver } from '../../trust/ledger-info-proof.js';
import { endThread } from '../../lib/host/end-thread.js';
import { runJob } from '../../lib/host/thread-job.js';
import { GateForThread, type GateAnswer, type GateQuestion } from './thread-gate.js';
import type {
  ProofQuestion,
  RangeOrder,
  RangeProgress,
  RangeTask,
} from './range-thread-messages.js';

/** The heap that a range thread may use. Memory of the hasher and file buffers come on top. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };

export interface RangeWatch {
  ledgerInfos: LedgerInfoProver;
  /** The gate to the node. */
  gate: LimitedGate;
  signal: AbortSignal;
  onProgress: (progress: RangeReport) => void;
}

/**
 * Threads that back up ranges. A finished thread is kept for the next range, because its code is warm. A
 * failed one is thrown away.
 */
export class RangeThreads {
  private readonly idle = new Set<Worker>();
  private closed = false;

  /** Backs up one range from one node in a thread. @throws what the range threw; THREAD_DIED */
  async run(task: RangeTask, node: string, watch: RangeWatch): Promise<RangeResult> {
    watch.signal.throwIfAborted();
    const [kept] = this.idle;
    const thread = kept ?? this.spawn();
    this.idle.delete(thread);
    try {
      const order = { task, node, ...(watch.gate.limited ? { limited: true as const } : {}) };
      const result = await follow(thread, order, watch);
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
    const thread = new Worker(builtProgram('range-thread.js'), {
      resourceLimits: RESOURCE_LIMITS,
    });
    // An idle thread that dies is no loss. Without this listener, its error would end the process.
    thread.on('error', () => this.idle.delete(thread));
    thread.on('exit', () => this.idle.delete(thread));
    return thread;
  }
}

function follow(
  thread: Worker,
  order: RangeOrder,
  { ledgerInfos, gate, signal, onProgress }: RangeWatch,
): Promise<RangeResult> {
  const { first, last } = order.task.range;
  const slots = new GateForThread(gate, signal);
  return runJob<
    RangeOrder,
    RangeProgress,
    RangeResult,
    ProofQuestion | GateQuestion,
    Proven | GateAnswer
  >(thread, order, {
    signal,
    onProgress: ({ report, traffic }) => {
      if (traffic) addTraffic(traffic);
      onProgress(report);
    },
    answer: (question) =>
      'gate' in question ? slots.answer(question) : prove(question, ledgerInfos, signal),
    died: (why) => {
      const what = `the thread that backed up ${first} to ${last} died: ${why}`;
      return new BackupError('THREAD_DIED', what);
    },
  }).finally(() => slots.close());
}

async function prove(
  { ledgerInfo, last }: ProofQuestion,
  prover: LedgerInfoProver,
  signal: AbortSignal,
): Promise<Proven> {
  const signed = decodeLedgerInfoWithSignatures(ledgerInfo);
  return last === undefined
    ? prover.proveEnding(signed, signal)
    : prover.prove(signed, last, signal);
}
