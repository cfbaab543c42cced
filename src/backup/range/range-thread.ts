/**
 * The program of a worker thread that backs up ranges, one at a time. It does all heavy work: framing,
 * parsing, hashing, writing. So the main thread stays free for heartbeats. A crash or an endless loop
 * costs one attempt of one range.
 */
import { createBatchHasher } from '../../aptos/index.js';
import { NodeClient } from '../../node/client.js';
import { collectTraffic, handOnTraffic } from '../../node/traffic.js';
import { openStorage } from '../../storage/open.js';
import { recordsOf } from '../kinds/index.js';
import { type RangeReport, backUpRange } from './range.js';
import type { LedgerInfoProver } from '../../trust/ledger-info-proof.js';
import { type JobInThread, serveJobs } from '../../lib/host/thread-entry.js';
import type { ProofQuestion, RangeOrder, RangeProgress } from './range-thread-messages.js';
import { type GateAnswer, type GateQuestion, gateOfThread } from './thread-gate.js';
import type { Proven, RangeResult } from '../../contract/unit.js';

type RangeJob = JobInThread<ProofQuestion | GateQuestion, Proven | GateAnswer>;

const STARTING: RangeReport = { phase: 'starting', records: 0, bytes: 0, stored: 0 };
const hasher = createBatchHasher();
let latest = STARTING;
collectTraffic();
serveJobs(run, progress);

/** The limits of client and storage bound all its waits. */
async function run(
  { task, node: address, limited }: RangeOrder,
  job: RangeJob,
): Promise<RangeResult> {
  latest = STARTING;
  const askGate = (question: GateQuestion) => job.ask(question) as Promise<GateAnswer>;
  const gate = limited && gateOfThread(askGate, address);
  const node = new NodeClient({ address, known: true, gate });
  try {
    return await backUpRange(task.unit.folder, task.range, {
      type: task.unit.kind,
      source: recordsOf(task.unit, { node, hasher, ledgerInfos: mainThreadProver(job) }),
      storage: openStorage(task.job.storage, job.signal),
      hasher,
      maxChunkSize: task.job.maxChunkSize,
      address,
      signal: job.signal,
      report: (report) => {
        latest = report;
      },
    });
  } finally {
    node.close();
  }
}

function progress(): RangeProgress {
  const told: RangeProgress = { report: latest };
  handOnTraffic((traffic) => {
    told.traffic = traffic;
  });
  return told;
}

/** Ledger infos are proven by the main thread, which keeps the epoch history for all ranges. */
function mainThreadProver({ ask }: RangeJob): LedgerInfoProver {
  const prove = (question: ProofQuestion) => ask(question) as Promise<Proven>;
  return {
    prove: (signed, last) => prove({ ledgerInfo: signed.bytes, last }),
    proveEnding: (signed) => prove({ ledgerInfo: signed.bytes }),
  };
}
