import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  ServiceError,
  WithStartWorkflowOperation,
  defaultPayloadConverter,
  isGrpcServiceError,
} from '@temporalio/client';
import { storageId } from '../backup/storage-id.js';
import { type CoordinatorInput, parseCoordinatorInput } from '../plan/coordinator-input.js';
import { type CoordinatorStatus, type NodeView } from '../plan/coordinator.js';
import type { BackupType, StorageConfig } from '../plan/job.js';
import { CONTROL_QUEUE, QUERY_STATUS, UPDATE_CONFIGURE } from '../plan/messages.js';

const COORDINATOR = 'backupCoordinator';
const NEW_SERVER_MS = 2 * 60_000;
/** In the numbering of gRPC. */
const FAILED_PRECONDITION = 9;

/** One coordinator for one storage, whoever starts it. */
export function coordinatorId(storage: StorageConfig): string {
  return `aptos-backup/${storageId(storage)}/coordinator`;
}

/**
 * Starts the coordinator of a storage, or hands the one that runs these settings. Needs a worker.
 * @throws InputError before anything is started
 */
export async function ensureCoordinator(
  client: Client,
  input: CoordinatorInput,
): Promise<{ workflowId: string; settings: string }> {
  const { node, storage } = parseCoordinatorInput(input);
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
  const deadline = Date.now() + NEW_SERVER_MS;
  for (;;) {
    try {
      const settings = await client.workflow.executeUpdateWithStart<
        (input: CoordinatorInput) => Promise<never>,
        string,
        [CoordinatorInput]
      >(UPDATE_CONFIGURE, { args: [input], startWorkflowOperation: start() });
      return { workflowId, settings };
    } catch (error) {
      if (!isNotReady(error) || Date.now() > deadline) throw error;
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
  const found: string[] = [];
  const query = `WorkflowType = "${COORDINATOR}" AND ExecutionStatus = "Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  if (found.length === 1) return found[0]!;
  throw new Error(
    found.length === 0
      ? 'no coordinator runs; start one with: aptos-backup up'
      : `${found.length} coordinators run; say which with --local-fs-dir`,
  );
}

/** What a unit has reached. */
export interface UnitProgress {
  done: number;
  total: number;
  bytes: number;
}

/** The coordinator's status, with what the heartbeats of its activities add to it. */
export interface LiveStatus extends CoordinatorStatus {
  progress: Partial<Record<BackupType, UnitProgress>>;
  /** How often its open workflow task was tried; more than once or twice, and its code fails. */
  taskAttempts: number;
}

export async function readCoordinator(client: Client, workflowId: string): Promise<LiveStatus> {
  const handle = client.workflow.getHandle(workflowId);
  const status = await handle.query<CoordinatorStatus>(QUERY_STATUS);
  const { raw } = await handle.describe();
  const progress: LiveStatus['progress'] = {};
  let seen = status.seen;
  for (const activity of raw.pendingActivities ?? []) {
    const payload = activity.heartbeatDetails?.payloads?.[0];
    if (!payload) continue;
    const beat = defaultPayloadConverter.fromPayload<Partial<UnitProgress> & Beat>(payload);
    const stream = Object.entries(status.streams).find(
      ([, { current }]) => current && current.workflowId === beat.workflowId,
    )?.[0] as BackupType | undefined;
    if (stream && beat.done !== undefined && beat.total !== undefined) {
      progress[stream] = { done: beat.done, total: beat.total, bytes: beat.bytes ?? 0 };
    }
    if (beat.view && beat.view.at > 0) {
      const { ended, version, at } = beat.view;
      seen = { ...seen, ended_epochs: ended, version, at: new Date(at).toISOString() };
    }
  }
  const taskAttempts = raw.pendingWorkflowTask?.attempt ?? 0;
  return { ...status, ...(seen ? { seen } : {}), progress, taskAttempts };
}

interface Beat {
  workflowId?: string;
  view?: NodeView;
}
