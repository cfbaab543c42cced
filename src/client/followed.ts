import {
  CancelledFailure,
  type Client,
  WorkflowFailedError,
  WorkflowNotFoundError,
  defaultPayloadConverter,
} from '@temporalio/client';
import { parseNodes } from '../contract/backup-input.js';
import { type CoordinatorInput, parseCoordinatorInput } from '../contract/coordinator-input.js';
import type { CoordinatorMemory } from '../contract/coordinator-memory.js';
import type { StorageConfig } from '../contract/job.js';
import { isSamePlace, storageName, storageNamed } from '../contract/storage-name.js';
import { UPDATE_CONFIGURE } from '../contract/messages.js';
import { forEachAtOnce } from '../lib/at-once.js';
import { resultOf } from './calls.js';
import { UsageError } from './command-failure.js';
import { coordinatorId, listCoordinators, readCoordinator } from './live-status.js';
import { StuckWorkflowError } from './stuck.js';

/** So many are asked at once: each that is silent takes as long as an answer may take. */
const ASKED_AT_ONCE = 16;

/** A running coordinator, as `list` and `stop` name it. */
export interface Followed {
  workflow_id: string;
  storage: string;
  nodes: readonly string[];
  /** The phase of its status, `stuck` or `silent`; `rests`: no worker runs. */
  state: string;
  /** Why it is stuck or silent. */
  why?: string;
  /** The backups in work. */
  units: string[];
}

/** How a coordinator was ended. */
export interface Stopped extends Followed {
  /** `asked`: no worker has ended it yet; the next one does. */
  outcome: 'stopped' | 'asked';
  /** Those of its backups that no worker has ended yet; likewise. */
  asked: string[];
  /** Backups that somebody else began, and for which it only waited. They go on. */
  left: string[];
}

/** The coordinators that run on this server. Without a worker, none of them can answer. */
export async function listFollowed(client: Client, answer: boolean): Promise<Followed[]> {
  const found: Followed[] = [];
  await forEachAtOnce(ASKED_AT_ONCE, await listCoordinators(client), async (workflowId) => {
    const followed = await followedBy(client, workflowId, answer);
    if (followed) found.push(followed);
  });
  return found.sort((a, b) => (a.storage < b.storage ? -1 : 1));
}

/** The one of a storage. */
export function ofStorage(all: readonly Followed[], storage: StorageConfig): Followed | undefined {
  return all.find((one) => isSamePlace(storageNamed(one.storage), storage));
}

/** The workflow id of a storage's coordinator; without a storage, that of the only one that runs. @throws Error */
export async function findCoordinator(client: Client, storage?: StorageConfig): Promise<string> {
  if (storage) return coordinatorId(storage);
  const [only, ...more] = await findCoordinators(client);
  if (more.length > 0) throw sayWhich(await listFollowed(client, false));
  return only!;
}

/** The workflow ids of all coordinators that run; at least one. @throws Error */
export async function findCoordinators(client: Client): Promise<string[]> {
  const found = await listCoordinators(client);
  if (found.length > 0) return found;
  throw new Error('no coordinator runs; start one with: aptos-backup up');
}

/** The mistake of a command that names none of several storages. `orElse`: another way to say it. */
export function sayWhich(all: readonly Followed[], orElse = ''): UsageError {
  const names = all.map(({ storage }) => storage).join(', ');
  return new UsageError(
    `${all.length} storages are followed here: ${names}; say which with --storage or --local-fs-dir${orElse}`,
  );
}

/** Describes a coordinator. Undefined if none with this id runs: lists of the server are a moment late. */
export async function followedBy(
  client: Client,
  workflowId: string,
  answer: boolean,
): Promise<Followed | undefined> {
  if (!(await isRunning(client, workflowId))) return undefined;
  const unanswered = async (state: string, why?: string): Promise<Followed> => ({
    ...{ workflow_id: workflowId, ...(await settingsFromHistory(client, workflowId)) },
    ...{ state, units: [] },
    ...(why === undefined ? {} : { why }),
  });
  if (!answer) return unanswered('rests');
  try {
    const { phase, nodes, storage, streams } = await readCoordinator(client, workflowId);
    const units = Object.values(streams).flatMap(({ current }) => current?.target ?? []);
    return { workflow_id: workflowId, storage, nodes, state: phase, units };
  } catch (error) {
    const state = error instanceof StuckWorkflowError ? 'stuck' : 'silent';
    return unanswered(state, (error as Error).message);
  }
}

/** Whether a workflow with this id runs. */
export async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Storage and nodes, from its history, because a resting coordinator cannot answer. */
async function settingsFromHistory(client: Client, workflowId: string) {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const [input, memory] = started.map((one) => defaultPayloadConverter.fromPayload(one));
  const { settings } = (memory ?? {}) as Partial<CoordinatorMemory>;
  let { nodes } = settings ?? parseCoordinatorInput(input);
  const { storage } = settings ?? parseCoordinatorInput(input);
  for (const event of events ?? []) {
    const asked = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    const [change] = asked?.name === UPDATE_CONFIGURE ? (asked.args?.payloads ?? []) : [];
    const { node }: Change = change ? defaultPayloadConverter.fromPayload(change) : {};
    if (node !== undefined) nodes = parseNodes(node);
  }
  return { storage: storageName(storage), nodes };
}

type Change = Partial<Pick<CoordinatorInput, 'node'>>;

/** Waits until a cancelled coordinator has ended and has given its storage free. Its backups go on (end-units.ts). */
export async function untilEnded(
  client: Client,
  workflowId: string,
  signal: AbortSignal,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  await resultOf(client, handle, signal).catch((error: unknown) => {
    if (signal.aborted || !isStopped(error)) throw error;
  });
}

/** Whether a workflow ended because somebody cancelled it. */
export function isStopped(error: unknown): boolean {
  return error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure;
}
