import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ServiceError,
  type WorkflowExecutionDescription,
  WithStartWorkflowOperation,
  isGrpcServiceError,
} from '@temporalio/client';
import { type CoordinatorInput, parseCoordinatorInput } from '../plan/coordinator-input.js';
import {
  type CoordinatorStatus,
  type NodeView,
  STREAMS,
  type UnitProgress,
} from '../plan/coordinator.js';
import type { BackupType, StorageConfig } from '../plan/job.js';
import { CONTROL_QUEUE, QUERY_STATUS, UPDATE_CONFIGURE } from '../plan/messages.js';
import { storageId } from '../storage/storage-id.js';
import type { LastVerification } from './last-verification.js';
import { pendingActivities } from './progress.js';
import { type StuckWorkflow, describeGoing, stuckError } from './stuck.js';

const COORDINATOR = 'backupCoordinator';
const NEW_SERVER_MS = 2 * 60_000;
/** In the numbering of gRPC. */
const FAILED_PRECONDITION = 9;
const DEADLINE_EXCEEDED = 4;
/** Longest wait for a coordinator's answer. */
const ANSWER_MS = 20_000;
/** Then it is looked at why an update is not answered, before it is sent again. */
const UPDATE_MS = 8_000;

/** One coordinator for one storage, whoever starts it. */
export function coordinatorId(storage: StorageConfig): string {
  return `aptos-backup/${storageId(storage)}/coordinator`;
}

/**
 * Starts the coordinator of a storage, or hands the one that runs these settings. Waits for a worker;
 * `onWait` hears why. @throws InputError before anything is started, StuckWorkflowError when its own
 * code keeps failing
 */
export async function ensureCoordinator(
  client: Client,
  input: CoordinatorInput,
  onWait: (why: unknown) => void = () => undefined,
): Promise<{ workflowId: string; settings: string }> {
  const { nodes, storage } = parseCoordinatorInput(input);
  const node = nodes.join(', ');
  const workflowId = coordinatorId(storage);
  const start = () =>
    new WithStartWorkflowOperation<(input: CoordinatorInput) => Promise<never>>(COORDINATOR, {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `follow ${node}`.slice(0, 190),
      staticDetails: `from ${node} to ${storage.local_fs_dir}`,
    });
  const updateId = randomUUID(); // the same update, however often it is sent
  const patience = Date.now() + NEW_SERVER_MS;
  for (;;) {
    const deadline = Date.now() + UPDATE_MS;
    const asked = performance.now();
    try {
      const settings = await client.withDeadline(deadline, () =>
        client.workflow.executeUpdateWithStart<
          (input: CoordinatorInput) => Promise<never>,
          string,
          [CoordinatorInput]
        >(UPDATE_CONFIGURE, { updateId, args: [input], startWorkflowOperation: start() }),
      );
      return { workflowId, settings };
    } catch (error) {
      // By a clock that nobody sets.
      const unanswered = performance.now() - asked >= UPDATE_MS - 100;
      if (!unanswered && !isNotReady(error)) throw error;
      const stuck = await stuckError(client, workflowId);
      onWait(stuck ?? error);
      if (Date.now() > patience && (stuck || !unanswered)) throw stuck ?? error;
      await sleep(2_000);
    }
  }
}

/**
 * A server needs up to a minute until it knows search attributes that were just added to it; before
 * that, a workflow that sets them is tried again and takes no update.
 */
function isNotReady(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && Number(cause.code) === FAILED_PRECONDITION;
}

/** The coordinator of a storage, or the only one that runs. @throws Error that says what to do */
export async function findCoordinator(client: Client, storage?: StorageConfig): Promise<string> {
  if (storage) return coordinatorId(storage);
  const found = await listCoordinators(client);
  if (found.length === 1) return found[0]!;
  throw new Error(
    found.length === 0
      ? 'no coordinator runs; start one with: aptos-backup up'
      : `${found.length} coordinators run; say which with --local-fs-dir`,
  );
}

export async function listCoordinators(client: Client): Promise<string[]> {
  const found: string[] = [];
  const query = `WorkflowType = "${COORDINATOR}" AND ExecutionStatus = "Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found;
}

/** The coordinator's status, with what the server and the heartbeats of its activities add to it. */
export interface LiveStatus extends CoordinatorStatus {
  progress: Partial<Record<BackupType, UnitProgress>>;
  /** What of the coordinator's own activities failed and is being tried again. */
  retrying: { what: string; attempt: number; reason: string }[];
  /** Events of the workflow's present run. */
  historyEvents: number;
  /** How often its open task was tried; 0: none is open. */
  taskAttempts: number;
  /** Other workflows of the storage whose own code fails. */
  stuck: StuckWorkflow[];
  verification?: LastVerification;
}

/**
 * Asks a coordinator, after a look whether it can answer. Never hangs.
 * @throws StuckWorkflowError when its own code fails, Error that says why nothing answers
 */
export async function readCoordinator(client: Client, workflowId: string): Promise<LiveStatus> {
  const asking = client.withDeadline(Date.now() + ANSWER_MS, async () => {
    const description = await describeGoing(client, workflowId);
    if (description.status.name !== 'RUNNING') {
      const how = description.status.name.toLowerCase();
      throw new Error(`${workflowId} has ended (${how}); start it again with: aptos-backup up`);
    }
    const handle = client.workflow.getHandle(workflowId);
    const status = await handle.query<CoordinatorStatus>(QUERY_STATUS);
    return withBeats(status, description);
  });
  return asking.catch((error: unknown) => {
    const cause = error instanceof ServiceError ? error.cause : error;
    if (!isGrpcServiceError(cause)) throw error;
    const why =
      Number(cause.code) === DEADLINE_EXCEEDED ? `for ${ANSWER_MS / 1000} s` : cause.details;
    throw new Error(
      `${workflowId} does not answer (${why}): its workers are dead, busy or too few, or the Temporal server is away`,
    );
  });
}

/** Adds what heartbeats say: they are newer than the workflow, which sleeps while nothing is to do. */
function withBeats(
  status: CoordinatorStatus,
  { raw, historyLength }: WorkflowExecutionDescription,
): LiveStatus {
  const live: LiveStatus = {
    ...status,
    progress: {},
    retrying: [],
    historyEvents: historyLength,
    taskAttempts: raw.pendingWorkflowTask?.attempt ?? 0,
    stuck: [],
  };
  for (const { what, attempt, reason, beat } of pendingActivities<UnitProgress & Beat>(raw)) {
    if (reason) live.retrying.push({ what, attempt, reason });
    const { workflowId, view, done, total, bytes = 0, failedRanges = 0 } = beat;
    const stream = STREAMS.find((type) => {
      const { current } = status.streams[type];
      return current && current.workflowId === workflowId;
    });
    if (stream && done !== undefined && total !== undefined) {
      const { advancedAt, rate, retrying } = beat;
      live.progress[stream] = {
        ...{ done, total, bytes, failedRanges },
        ...(advancedAt === undefined ? {} : { advancedAt }),
        ...(rate === undefined ? {} : { rate }),
        ...(retrying === undefined ? {} : { retrying }),
      };
    }
    if (view && view.at > 0) noteView(live, view);
  }
  return live;
}

function noteView(live: LiveStatus, view: NodeView): void {
  const { ended, version, at, versionsPerSecond, node, resting } = view;
  const older = live.seen && Date.parse(live.seen.at) > at;
  if (older) return;
  const iso = (ms: number) => new Date(ms).toISOString();
  live.seen = {
    ...live.seen,
    ended_epochs: ended,
    version,
    at: iso(at),
    ...(node === undefined ? {} : { node }),
    ...(resting ? { resting: resting.map((r) => ({ ...r, until: iso(r.until) })) } : {}),
  };
  for (const [type, tip] of [
    ['epoch_ending', BigInt(ended) - 1n],
    ['state_snapshot', BigInt(ended) - 1n],
    ['transaction', BigInt(version)],
  ] as const) {
    const stream = live.streams[type];
    if (stream.lag === undefined) continue;
    const lag = Math.max(0, Number(tip - BigInt(stream.newest ?? -1)));
    stream.lag = `${lag}`;
    if (type === 'transaction' && (lag === 0 || versionsPerSecond > 0)) {
      stream.lagSeconds = lag === 0 ? 0 : Math.round(lag / versionsPerSecond);
    }
  }
}

interface Beat {
  workflowId?: string;
  view?: NodeView;
  retrying?: { attempt: number; reason: string };
}
