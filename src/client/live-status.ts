import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ServiceError,
  type WorkflowExecutionDescription,
  WithStartWorkflowOperation,
  isGrpcServiceError,
} from '@temporalio/client';
import {
  type CoordinatorInput,
  type SettingsChange,
  parseCoordinatorInput,
} from '../contract/coordinator-input.js';
import { rulesOf } from '../contract/kinds/index.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { type NodeView } from '../contract/coordinator-memory.js';
import type { StorageConfig } from '../contract/job.js';
import { CONTROL_QUEUE, QUERY_STATUS, UPDATE_CONFIGURE } from '../contract/messages.js';
import { laterView, seenOf } from '../contract/node-view.js';
import { workflowPrefix } from './workflow-prefix.js';
import { pendingActivities } from './progress.js';
import { describeGoing, stuckError } from './stuck.js';
import { storageName } from '../contract/storage-name.js';
import {
  type CoordinatorStatus,
  coordinatorStatus,
} from '../contract/answers/coordinator-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import type { LiveStatus, UnitProgress } from '../contract/answers/shown-answers.js';

const COORDINATOR = 'backupCoordinator';
/** How long to retry while a server is new or its coordinator stuck. */
const NEW_SERVER_MS = 2 * 60_000;
/** Status codes of gRPC. */
const FAILED_PRECONDITION = 9;
const DEADLINE_EXCEEDED = 4;
/** Longest wait for the answer of a coordinator to a query. */
const ANSWER_MS = 20_000;
/** Longest wait for the answer to an update. After that we look for the cause and send it again. */
const UPDATE_MS = 8_000;

/** The workflow id of a storage's coordinator. It depends on the storage only, so there is one coordinator for each. */
export function coordinatorId(storage: StorageConfig): string {
  return `${workflowPrefix(storage)}coordinator`;
}

/**
 * Starts the coordinator of a storage. If it runs already, sends it what shall change. Waits until a worker answers
 * and calls `onWait` with the reason for each wait.
 * @throws InputError before anything is started; StuckWorkflowError when the coordinator's code keeps failing
 */
export async function ensureCoordinator(
  client: Client,
  input: CoordinatorInput,
  onWait: (why: unknown) => void = () => undefined,
  change: SettingsChange = input,
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
      staticDetails: `from ${node} to ${storageName(storage)}`,
    });
  const updateId = randomUUID(); // the server takes repeated sends for the same update
  const patience = Date.now() + NEW_SERVER_MS;
  for (;;) {
    const deadline = Date.now() + UPDATE_MS;
    const asked = performance.now();
    try {
      const settings = await client.withDeadline(deadline, () =>
        client.workflow.executeUpdateWithStart<
          (input: CoordinatorInput) => Promise<never>,
          string,
          [SettingsChange]
        >(UPDATE_CONFIGURE, { updateId, args: [change], startWorkflowOperation: start() }),
      );
      return { workflowId, settings };
    } catch (error) {
      // performance.now(), because the time of day may be set.
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
 * A server needs up to a minute to learn new search attributes. Until then, the first task of a workflow that
 * sets them is retried, and the server refuses updates of that workflow with this code.
 */
function isNotReady(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && Number(cause.code) === FAILED_PRECONDITION;
}

export async function listCoordinators(client: Client): Promise<string[]> {
  const found: string[] = [];
  const query = `WorkflowType = "${COORDINATOR}" AND ExecutionStatus = "Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found;
}

/**
 * Asks a coordinator for its status, after a check that it can answer. Takes 20 seconds at most.
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
    const status = readAnswer(coordinatorStatus, await handle.query(QUERY_STATUS), workflowId);
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

/** Adds what heartbeats say. They are newer than the workflow's status, because the workflow sleeps between events. */
function withBeats(
  status: CoordinatorStatus,
  { raw, historyLength }: WorkflowExecutionDescription,
): LiveStatus {
  const live: LiveStatus = {
    ...status,
    progress: {},
    retrying: [],
    history_events: historyLength,
    task_attempts: raw.pendingWorkflowTask?.attempt ?? 0,
    stuck: [],
  };
  const { copy } = live;
  if (copy?.behind_since !== undefined) {
    const lag = (Date.now() - Date.parse(copy.behind_since)) / 1000;
    live.copy = { ...copy, lag_seconds: Math.max(0, Math.round(lag)) };
  }
  for (const { what, attempt, reason, beat } of pendingActivities<UnitProgress & Beat>(raw)) {
    if (reason) live.retrying.push({ what, attempt, reason });
    const { workflow_id: workflowId, view, done, total, bytes = 0, failed_ranges = 0 } = beat;
    const stream = STREAMS.find((type) => {
      const { current } = status.streams[type];
      return current && current.workflow_id === workflowId;
    });
    if (stream && done !== undefined && total !== undefined) {
      live.progress[stream] = {
        ...{ done, total, bytes, failed_ranges },
        ...{ advanced_at: beat.advanced_at, rate: beat.rate, retrying: beat.retrying },
      };
    }
    if (view && view.at > 0) noteView(live, view);
  }
  const { seen, settings } = live;
  // A watch that began before the waypoint was given does not know of it.
  if (settings?.['trust_waypoints']?.includes(seen?.unconfirmed_genesis ?? 'none')) {
    delete seen?.unconfirmed_genesis;
  }
  return live;
}

function noteView(live: LiveStatus, view: NodeView): void {
  const { at, versionsPerSecond, resting } = view;
  const before = live.seen;
  if (before && Date.parse(before.at) > at) return;
  live.seen = seenOf(before ? laterView(viewOf(before), view) : view);
  if (resting) {
    live.seen.resting = resting.map((r) => ({ ...r, until: new Date(r.until).toISOString() }));
  }
  for (const type of STREAMS) {
    const rules = rulesOf(type);
    const tip = rules.tip(view);
    const stream = live.streams[type];
    if (stream.lag === undefined) continue;
    const lag = Math.max(0, Number(tip - BigInt(stream.newest ?? -1)));
    stream.lag = `${lag}`;
    if (lag === 0) stream.lag_seconds = 0;
    else if (rules.counts === 'version' && versionsPerSecond > 0) {
      stream.lag_seconds = Math.round(lag / versionsPerSecond);
    }
  }
}

/** Turns the `seen` of a status back into a view, with the fields that `laterView` compares. */
function viewOf(seen: Seen): NodeView {
  const { version, ended_epochs: ended, at, version_since: since, node } = seen;
  const { tip_at: tip, unconfirmed_genesis: unconfirmedGenesis } = seen;
  return {
    ...{ version, ended, at: Date.parse(at), versionsPerSecond: 0 },
    ...(since === undefined ? {} : { movedAt: Date.parse(since) }),
    ...(node === undefined ? {} : { node }),
    ...(tip === undefined ? {} : { tipAt: Date.parse(tip) }),
    ...(unconfirmedGenesis === undefined ? {} : { unconfirmedGenesis }),
  };
}

type Seen = NonNullable<CoordinatorStatus['seen']>;

interface Beat {
  workflow_id?: string;
  view?: NodeView;
  retrying?: { attempt: number; reason: string };
}
