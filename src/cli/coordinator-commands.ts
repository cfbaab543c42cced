import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { UsageError } from '../client/command-failure.js';
import {
  findCoordinator,
  followedBy,
  isRunning,
  listFollowed,
  ofStorage,
} from '../client/followed.js';
import { listCoordinators, readCoordinator } from '../client/live-status.js';
import { Overseer } from '../client/overseer.js';
import { nowInWords } from '../client/now-in-words.js';
import { listBlocked } from '../client/start-backup.js';
import { tellWorkflow } from '../client/tell-workflow.js';
import type { BackupType, StorageConfig } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';
import {
  UPDATE_BACK_UP_NOW,
  UPDATE_PAUSE,
  type UPDATE_RESUME,
  UPDATE_RETRY,
  UPDATE_SET_CONCURRENCY,
} from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { firstUp, sameFlags, upAgain } from './hint.js';
import { workersLive } from './living-workers.js';
import { withNotifications } from './notification-status.js';
import type { nowRequest } from './now.js';
import { withSession } from './open-session.js';
import { type CommonFlags } from './options.js';
import { namesStorage, storageOf } from './storage-options.js';
import { describeStatus } from './status-board.js';
import { typedNumber, typedStream, unknownWord } from './typed.js';
import { print } from './print.js';

/** Longest wait for the answers of the server and of the coordinator. */
const ANSWER_MS = 30_000;

/** `status`: shows what the coordinator does now. */
export async function showStatus(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const read = await new Overseer(client, workflowId).read();
    const status = withNotifications(flags, workflowId)(read);
    const text = () => describeStatus(status, Date.now()).join('\n');
    print(flags.json ? JSON.stringify(status) : text());
  });
}

/** `pause` and `resume` of one stream, or of all. @throws UsageError */
export async function tellPause(
  flags: CommonFlags,
  signal: AbortSignal,
  update: typeof UPDATE_PAUSE | typeof UPDATE_RESUME,
  word: string | undefined,
): Promise<void> {
  const stream = word === undefined ? undefined : typedStream(word);
  await tellCoordinator<BackupType[]>(flags, signal, update, stream, (streams) => {
    const names = streams.map((type) => rulesOf(type).words.many).join(', ');
    return update === UPDATE_PAUSE
      ? `Paused: ${names}. What is in flight is finished. Go on with: aptos-backup resume${word === undefined ? '' : ` ${word}`}${sameFlags(flags)}`
      : `Goes on: ${names}.`;
  });
}

/** `concurrency`. @throws UsageError */
export async function setConcurrency(
  flags: CommonFlags,
  signal: AbortSignal,
  text: string,
): Promise<void> {
  const count = typedNumber('N', text);
  await tellCoordinator<number>(
    flags,
    signal,
    UPDATE_SET_CONCURRENCY,
    count,
    (now) => `Each stream has up to ${now} ranges in flight now.`,
  );
}

/** `now`. */
export async function backUpNow(
  flags: CommonFlags,
  signal: AbortSignal,
  request: ReturnType<typeof nowRequest>,
): Promise<void> {
  await tellCoordinator<string>(flags, signal, UPDATE_BACK_UP_NOW, request, (answer) =>
    nowInWords(request.type, answer),
  );
}

/** `retry` of one storage: of one unit, or of all that failed. @throws UsageError for a unit that did not fail */
export async function retryUnits(
  flags: CommonFlags,
  signal: AbortSignal,
  unit: string | undefined,
): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const again = await tellWorkflow<number>(client, workflowId, UPDATE_RETRY, unit);
    if (again > 0 || unit === undefined) {
      print(flags.json ? JSON.stringify(again) : describeRetried(again));
      return;
    }
    const { streams } = await readCoordinator(client, workflowId);
    const failed = Object.values(streams).flatMap((stream) => stream.failed.map((f) => f.unit));
    if (failed.length > 0) throw unknownWord('failed unit', unit, failed);
    throw new UsageError(`${unit} waits for no retry, and nothing else does`);
  });
}

function describeRetried(count: number): string {
  if (count === 0) return 'Nothing waits for a retry.';
  return `${count} failed ${count === 1 ? 'unit is' : 'units are'} tried again now.`;
}

/** Sends one of the coordinator's updates and prints its answer: in words, or as JSON. */
async function tellCoordinator<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  name: string,
  argument: unknown,
  inWords: (answer: T) => string,
): Promise<void> {
  await withCoordinator(flags, signal, async (client, workflowId) => {
    const answer = await tellWorkflow<T>(client, workflowId, name, argument);
    print(flags.json ? JSON.stringify(answer) : inWords(answer));
  });
}

/**
 * `retry` without a unit: retries everything on this server that waits for its next try, in running
 * coordinators and in backups that anybody started.
 */
export async function retryAll(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  const find = async (client: Client) => [
    ...(await listCoordinators(client)),
    ...(await listBlocked(client)),
  ];
  await withWorkflows(flags, signal, find, async (client, workflowIds) => {
    let again = 0;
    for (const workflowId of workflowIds) {
      again += await retryOne(client, workflowId);
    }
    print(flags.json ? JSON.stringify(again) : describeRetried(again));
  });
}

/** Returns how much one workflow tries again; 0 if it has ended since it was listed. */
async function retryOne(client: Client, workflowId: string): Promise<number> {
  try {
    return await tellWorkflow<number>(client, workflowId, UPDATE_RETRY);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 0;
    throw error;
  }
}

/** Asks a coordinator. Only a worker can answer for it. */
export async function withCoordinator<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  ask: (client: Client, workflowId: string) => Promise<T>,
): Promise<T> {
  const storage = namesStorage(flags) ? storageOf(flags) : undefined;
  const find = async (client: Client) => {
    const workflowId = await findCoordinator(client, storage);
    return [storage ? await running(client, workflowId, storage, flags) : workflowId];
  };
  return withWorkflows(flags, signal, find, (client, [workflowId]) => ask(client, workflowId!));
}

/**
 * The id of the coordinator that runs for the storage: its own, or the one that somebody gave it with the temporal CLI.
 * @throws Error when none runs
 */
async function running(
  client: Client,
  workflowId: string,
  storage: StorageConfig,
  flags: CommonFlags,
): Promise<string> {
  if (await isRunning(client, workflowId)) return workflowId;
  const other = ofStorage(await listFollowed(client, false), storage);
  if (other) return other.workflow_id;
  throw new Error(
    `no coordinator runs for ${storageName(storage)}; start one with: ${firstUp(flags)}, or see: aptos-backup list`,
  );
}

/** Asks workflows that `find` finds. Only a worker can answer for them. */
export async function withWorkflows<T>(
  flags: CommonFlags,
  signal: AbortSignal,
  find: (client: Client) => Promise<string[]>,
  ask: (client: Client, workflowIds: string[]) => Promise<T>,
): Promise<T> {
  return withSession(flags, signal, async (session) => {
    const { client, embedded } = session;
    return client.withDeadline(Date.now() + ANSWER_MS, async () => {
      const workflowIds = await find(client);
      if (workflowIds.length > 0 && !(await workersLive(session))) {
        const [first] = workflowIds as [string];
        const rests = embedded ? await followedBy(client, first, false) : undefined;
        const start = rests ? upAgain(rests.storage, flags) : 'aptos-backup worker';
        throw new Error(`${first} cannot answer, because no worker runs; start one with: ${start}`);
      }
      return ask(client, workflowIds);
    });
  });
}
