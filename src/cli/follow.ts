import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { ensureCoordinator } from '../client/live-status.js';
import { Overseer } from '../client/overseer.js';
import { StuckWorkflowError } from '../client/stuck.js';
import { dataFolder } from '../lib/host/data-folder.js';
import type { Traffic } from '../node/traffic.js';
import { type CoordinatorInput, parseCoordinatorInput } from '../contract/coordinator-input.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { workersPoll } from '../temporal/pollers.js';
import { withoutServer } from '../temporal-server/without-server.js';
import { CoordinatorHealth } from '../monitor/coordinator-health.js';
import { Interrupted } from '../client/command-failure.js';
import { NodeMetrics } from '../monitor/node-metrics.js';
import { type Served, openPage } from './open-page.js';
import type { Notifier } from '../notify/notifier.js';
import { openNotifier } from './open-notifier.js';
import { openSession } from './open-session.js';
import { type CoordinatorFlags, chunkWorkerCount } from './options.js';
import { ownWorkers } from './own-workers.js';
import { StatusBoard } from './status-board.js';
import { workerHealth } from '../monitor/worker-health.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';

const say = (line: string) => process.stderr.write(`${line}\n`);

/**
 * `up` and `continuously`: starts the coordinator of a storage, or joins it, and shows what it does until
 * the signal aborts. The coordinator lives in the Temporal server. With the embedded server it rests
 * until the next start; with another server it goes on. `own`: always use the embedded server and own
 * workers.
 */
export async function follow(
  input: CoordinatorInput,
  flags: CoordinatorFlags,
  own: boolean,
  signal: AbortSignal,
): Promise<void> {
  parseCoordinatorInput(input); // report a mistake before anything starts
  const chunkWorkers = chunkWorkerCount(flags);
  const served = await openPage(flags, say);
  const notifier = openNotifier(flags, input, { page: served?.health.url, say });
  try {
    await followWith(input, flags, { own, chunkWorkers, served, notifier }, signal);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say('Stopped while the Temporal server was starting.');
  } finally {
    await notifier?.stop();
    served?.health.close();
  }
}

interface Surroundings {
  own: boolean;
  chunkWorkers: number;
  served: Served | undefined;
  notifier: Notifier | undefined;
}

async function followWith(
  input: CoordinatorInput,
  flags: CoordinatorFlags,
  { own, chunkWorkers, served, notifier }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const { storage } = parseCoordinatorInput(input);
  const data = dataFolder(flags.dataDir);
  const env = own ? withoutServer(process.env) : process.env;
  const session = await openSession(flags, signal, env);
  const { client, connection, embedded, namespace, uiUrl } = session;
  const traffic = new NodeMetrics();
  const onTraffic = (more: Traffic) => traffic.add(more);
  const worker = ownWorkers(session, { data, chunkWorkers, say, onTraffic });
  const coordinator = new CoordinatorHealth();
  served?.health.show(coordinator);
  if (worker) served?.health.show(workerHealth(worker, traffic));
  if (notifier) served?.health.show(notifier);
  notifier?.watch(coordinator, worker && workerHealth(worker, traffic));
  served?.page.follow({ client, storage, ui: flags.temporalUi ?? uiUrl, signal });
  try {
    if (uiUrl !== undefined) say(`Temporal UI: ${uiUrl}`);
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const board = new StatusBoard(flags.json ?? false);
    const onStatus = (status: LiveStatus) => {
      board.show(status);
      coordinator.heard(status);
      served?.page.heard(status);
    };
    const onSilence = (error: unknown) => {
      // Other errors may pass by themselves.
      if (error instanceof StuckWorkflowError) board.trouble(error.message);
      coordinator.missed(error);
    };
    await watch(session, input, { board, onStatus, onSilence }, signal);
    say(
      embedded
        ? 'Stopped. The next start goes on from here.'
        : `The coordinator goes on in the server; see: aptos-backup status`,
    );
  } finally {
    await worker?.stop();
    await session.close();
  }
}

interface Display {
  board: StatusBoard;
  onStatus: (status: LiveStatus) => void;
  /** Called when the coordinator gives no answer. */
  onSilence: (error: unknown) => void;
}

async function watch(
  { client, embedded }: TemporalSession,
  input: CoordinatorInput,
  display: Display,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      const { workflowId, settings } = await abortable(client, signal, () =>
        ensureCoordinator(client, input, display.onSilence),
      );
      say(`Workflow ${workflowId}, settings ${settings}`);
      try {
        return await show(client, workflowId, display, signal);
      } catch (error) {
        // The embedded server had to start a new database. The storage knows how far the backups are.
        if (!embedded || !(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Shows the status until the signal aborts or somebody ends the workflow. */
async function show(
  client: Client,
  workflowId: string,
  { board, onStatus, onSilence }: Display,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const end = resultOf(client, client.workflow.getHandle(workflowId), signal).finally(() =>
    over.abort(),
  );
  end.catch(() => undefined);
  const either = AbortSignal.any([signal, over.signal]);
  const overseer = new Overseer(client, workflowId);
  while (!either.aborted) {
    await abortable(client, signal, () => overseer.read()).then(onStatus, onSilence);
    await board.pause(either);
  }
  board.end();
  if (!signal.aborted) await end;
}
