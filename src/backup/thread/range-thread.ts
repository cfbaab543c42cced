/**
 * Entry of a worker thread that backs up ranges, one at a time. All that is heavy (framing, parsing,
 * hashing, writing) happens here, so the thread that heartbeats stays free, and a crash or an
 * endless loop here costs one attempt of one range.
 */
import { parentPort } from 'node:worker_threads';
import { createBatchHasher } from '../../aptos/hash/batch-hasher.js';
import { NodeClient } from '../../node/client.js';
import { collectTraffic, handOnTraffic } from '../../node/traffic.js';
import { openStorage } from '../../storage/open.js';
import { epochEndingKind } from '../kinds/epoch-ending.js';
import type { RecordKind } from '../kinds/kind.js';
import { stateSnapshotKind } from '../kinds/state-snapshot.js';
import { transactionKind } from '../kinds/transaction.js';
import { backUpRange } from '../range.js';
import type { LedgerInfoProver } from '../trust/ledger-info-proof.js';
import {
  type FromThread,
  type PlainError,
  type RangeTask,
  type ToThread,
  fromPlain,
  toPlain,
} from './messages.js';
import type { Proven } from '../../plan/unit.js';

const PROGRESS_INTERVAL_MS = 500;

const port = parentPort!;
const hasher = createBatchHasher();
const waiting = new Map<number, (answer: { proven: Proven } | { error: PlainError }) => void>();
let running: AbortController | undefined;
collectTraffic();

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'run':
      void run(message.task, message.node);
      break;
    case 'cancel':
      running?.abort();
      break;
    case 'proven':
    case 'not proven':
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
      break;
  }
});

async function run(task: RangeTask, address: string): Promise<void> {
  running = new AbortController();
  const node = new NodeClient({ address, known: true });
  // The latest progress goes out at intervals, also while nothing changes: it shows that this
  // thread's loop turns. What it waits for is bounded by the client's and the storage's own limits.
  let progress = { phase: 'starting', records: 0, bytes: 0 };
  const tick = () => {
    send({ kind: 'progress', ...progress });
    tellTraffic();
  };
  tick();
  const ticker = setInterval(tick, PROGRESS_INTERVAL_MS);
  try {
    const result = await backUpRange(task.unit.folder, task.range, {
      type: task.job.target.type,
      kind: kindOf(task, node),
      storage: openStorage(task.job.storage),
      hasher,
      maxChunkSize: task.job.maxChunkSize,
      source: address,
      signal: running.signal,
      report: (latest) => {
        progress = latest;
      },
    });
    tellTraffic();
    send({ kind: 'done', result });
  } catch (error) {
    tellTraffic();
    send({ kind: 'failed', error: toPlain(error) });
  } finally {
    clearInterval(ticker);
    node.close();
  }
}

function kindOf(task: RangeTask, node: NodeClient): RecordKind {
  switch (task.job.target.type) {
    case 'transaction':
      return transactionKind(node, hasher, mainThreadProver);
    case 'state_snapshot':
      return stateSnapshotKind(node, hasher, task.unit.snapshot!);
    case 'epoch_ending':
      return epochEndingKind(node, mainThreadProver);
  }
}

/** Ledger infos are proven by the main thread, which keeps the epoch history for all ranges. */
const mainThreadProver: LedgerInfoProver = {
  prove: (signed, last) => ask(signed.bytes, last),
  proveEnding: (signed) => ask(signed.bytes),
};

let lastId = 0;
function ask(ledgerInfo: Uint8Array, last?: bigint): Promise<Proven> {
  lastId += 1;
  const id = lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, (answer) => {
      if ('proven' in answer) resolve(answer.proven);
      else reject(fromPlain(answer.error));
    });
    send({ kind: 'prove', id, ledgerInfo, ...(last === undefined ? {} : { last }) });
  });
}

function tellTraffic(): void {
  handOnTraffic((traffic) => send({ kind: 'traffic', traffic }));
}

function send(message: FromThread): void {
  port.postMessage(message);
}
