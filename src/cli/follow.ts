import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { type LiveStatus, ensureCoordinator } from '../client/coordinator.js';
import { Overseer } from '../client/overseer.js';
import { StuckWorkflowError } from '../client/stuck.js';
import { dataFolder } from '../data-folder.js';
import type { Traffic } from '../node/traffic.js';
import { type CoordinatorInput, parseCoordinatorInput } from '../plan/coordinator-input.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
import type { TemporalSession } from '../temporal/connection.js';
import { workersPoll } from '../temporal/pollers.js';
import { withoutServer } from '../temporal/without-server.js';
import { CoordinatorHealth } from './coordinator-health.js';
import { Interrupted } from './failure.js';
import { HealthServer } from './health-server.js';
import { NodeMetrics } from './node-metrics.js';
import { openSession } from './open-session.js';
import { type CoordinatorFlags, chunkWorkerCount } from './options.js';
import { ownWorkers } from './own-workers.js';
import { StatusBoard } from './status-board.js';
import { workerHealth } from './worker-health.js';

const say = (line: string) => process.stderr.write(`${line}\n`);

/**
 * `up` and `continuously`: sees to it that the coordinator of a storage runs, and shows what it does
 * until the signal aborts. The coordinator lives in the Temporal server: with the embedded one it
 * rests until the next time, with another one it goes on. `own`: embedded server and worker always.
 */
export async function follow(
  input: CoordinatorInput,
  flags: CoordinatorFlags,
  own: boolean,
  signal: AbortSignal,
): Promise<void> {
  parseCoordinatorInput(input); // a mistake is told before anything is started
  const chunkWorkers = chunkWorkerCount(flags);
  const health = await HealthServer.open(flags, say);
  try {
    await followWith(input, flags, { own, chunkWorkers, health }, signal);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say('Stopped before there was a Temporal server.');
  } finally {
    health?.close();
  }
}

interface Surroundings {
  own: boolean;
  chunkWorkers: number;
  health: HealthServer | undefined;
}

async function followWith(
  input: CoordinatorInput,
  flags: CoordinatorFlags,
  { own, chunkWorkers, health }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const data = dataFolder(flags.dataDir);
  const env = own ? withoutServer(process.env) : process.env;
  const session = await openSession(flags, signal, env);
  const { connection, embedded, namespace, uiUrl } = session;
  const traffic = new NodeMetrics();
  const onTraffic = (more: Traffic) => traffic.add(more);
  const worker = ownWorkers(session, { data, chunkWorkers, say, onTraffic });
  const coordinator = new CoordinatorHealth();
  health?.show(coordinator);
  if (worker) health?.show(workerHealth(worker, traffic));
  try {
    if (uiUrl !== undefined) say(`Temporal UI: ${uiUrl}`);
    if (!embedded && !(await workersPoll(connection, namespace, CONTROL_QUEUE))) {
      say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
    }
    const board = new StatusBoard(flags.json ?? false);
    const onStatus = (status: LiveStatus) => {
      board.show(status);
      coordinator.heard(status);
    };
    const onSilence = (error: unknown) => {
      // Anything else may come by itself.
      if (error instanceof StuckWorkflowError) board.trouble(error.message);
      coordinator.missed(error);
    };
    await watch(session, input, { board, onStatus, onSilence }, signal);
    say(
      embedded
        ? 'Stopped. It goes on where it stands the next time.'
        : `Leaving. The coordinator goes on at the server; see: aptos-backup status`,
    );
  } finally {
    await worker?.stop();
    await session.close();
  }
}

interface Display {
  board: StatusBoard;
  onStatus: (status: LiveStatus) => void;
  /** Nothing was heard: no worker answers at the moment, or none can. */
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
        // The embedded server had to begin a new database: the storage knows how far it was.
        if (!embedded || !(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Until the signal aborts, or the workflow is ended by somebody. */
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
