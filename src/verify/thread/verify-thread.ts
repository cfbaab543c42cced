/** Entry of a worker thread that runs one task of a verification: all hashing and parsing is here. */
import { parentPort, workerData } from 'node:worker_threads';
import { createBatchHasher } from '../../aptos/hash/batch-hasher.js';
import { toPlain } from '../../backup/thread/messages.js';
import { TrustedWaypoints } from '../../backup/trust/trusted-waypoints.js';
import { openStorage } from '../../storage/open.js';
import { runTask } from '../run-task.js';
import { StoredChain } from '../stored-chain.js';
import type { FromVerifyThread, VerifyOrder } from './messages.js';

const PROGRESS_INTERVAL_MS = 500;

const order = workerData as VerifyOrder;
const storage = openStorage(order.storage);
const chain = new StoredChain(storage, new TrustedWaypoints(order.trusted, []));
chain.restore(order.endings);
const stopping = new AbortController();
parentPort!.on('message', () => stopping.abort());

let progress = { bytes: 0, objects: 0 };
const tick = () => send({ kind: 'progress', ...progress });
tick();
const ticker = setInterval(tick, PROGRESS_INTERVAL_MS);
try {
  const tools = {
    storage,
    hasher: createBatchHasher(),
    signal: stopping.signal,
    onProgress: (more: { bytes: number; objects: number }) => {
      progress = {
        bytes: progress.bytes + more.bytes,
        objects: progress.objects + more.objects,
      };
    },
  };
  send({ kind: 'done', result: await runTask(tools, order.task, chain, order.again) });
} catch (error) {
  send({ kind: 'failed', error: toPlain(error) });
} finally {
  clearInterval(ticker);
  parentPort!.close();
}

function send(message: FromVerifyThread): void {
  parentPort!.postMessage(message);
}
