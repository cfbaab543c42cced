import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { isRunning, isStopped } from '../client/followed.js';
import { coordinatorId, ensureCoordinator } from '../client/live-status.js';
import { Overseer } from '../client/overseer.js';
import { StuckWorkflowError } from '../client/stuck.js';
import type { Traffic } from '../node/traffic.js';
import {
  type CoordinatorInput,
  type SettingsChange,
  parseCoordinatorInput,
} from '../contract/coordinator-input.js';
import type { StorageConfig } from '../contract/job.js';
import { storageName } from '../contract/storage-name.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { withoutServer } from '../temporal-server/without-server.js';
import { CoordinatorHealth } from '../monitor/coordinator-health.js';
import { Interrupted } from '../client/command-failure.js';
import { NodeMetrics } from '../monitor/node-metrics.js';
import type { AppliedConfig } from './applied-config.js';
import { checkDeclared } from './declared.js';
import { LiveConfig } from './live-config.js';
import { workersLive } from './living-workers.js';
import { type Served, openPage } from './open-page.js';
import type { Notifier } from '../notify/notifier.js';
import { inFlags } from './flag-names.js';
import { stopOf } from './hint.js';
import { openNotifier } from './open-notifier.js';
import { type CoordinatorFlags, chunkWorkerCount, givenInput } from './options.js';
import { openWithWorkers, tellWithoutWorkers } from './own-workers.js';
import { tellOthers } from './tell-others.js';
import { StatusBoard } from './status-board.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { workerHealth } from '../monitor/worker-health.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { say } from './say.js';

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
  config?: AppliedConfig,
): Promise<void> {
  const { storage } = parseCoordinatorInput(input); // report a mistake before anything starts
  for (const one of config?.config.schedules ?? []) checkDeclared(config!.config, one, input);
  if (own) tellIgnored();
  const chunkWorkers = chunkWorkerCount(flags);
  const served = await openPage(flags, say);
  const notifier = openNotifier(flags, storage, { page: served?.health.url, say });
  try {
    await followWith(
      input,
      flags,
      { own, storage, chunkWorkers, served, notifier, config },
      signal,
    );
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say('Stopped while it waited for the Temporal server.');
  } finally {
    await notifier?.stop();
    served?.page.keep();
    served?.health.close();
  }
}

/** A server that the environment names is not used by `up`. That must not go unseen. */
function tellIgnored(): void {
  const names = Object.keys(process.env).filter((name) => !(name in withoutServer(process.env)));
  if (names.length === 0) return;
  say(
    `up starts a Temporal server of its own and ignores ${names.sort().join(', ')}; to use that server: aptos-backup continuously`,
    'warn',
  );
}

interface Surroundings {
  own: boolean;
  storage: StorageConfig;
  chunkWorkers: number;
  served: Served | undefined;
  notifier: Notifier | undefined;
  config: AppliedConfig | undefined;
}

async function followWith(
  input: CoordinatorInput,
  flags: CoordinatorFlags,
  { own, storage, chunkWorkers, served, notifier, config }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const env = own ? withoutServer(process.env) : process.env;
  const traffic = new NodeMetrics();
  const onTraffic = (more: Traffic) => traffic.add(more);
  const options = { chunkWorkers, say, onTraffic, env };
  const { session, workers } = await openWithWorkers(flags, signal, options);
  const { client, uiUrl } = session;
  const coordinator = new CoordinatorHealth();
  served?.health.show(coordinator);
  const ofWorkers = workers && workerHealth(workers, traffic);
  const live = config && new LiveConfig(config);
  for (const health of [ofWorkers, live?.health, notifier]) {
    if (health) served?.health.show(health);
  }
  notifier?.watch(coordinator, ofWorkers, live?.health);
  const folder = dataFolder(flags.dataDir);
  served?.page.follow({ client, storage, ui: flags.temporalUi ?? uiUrl, signal, folder });
  try {
    if (uiUrl !== undefined) {
      say(`Temporal UI: ${uiUrl}`);
      say(`With the temporal CLI: TEMPORAL_ADDRESS=${session.address} temporal workflow list`);
    }
    await tellWithoutWorkers(session, signal);
    if (session.embedded) void tellOthers(client, storage, flags);
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
    const settings = live ?? { input, change: givenInput(input, flags) };
    const display = { settings, live, board, onStatus, onSilence };
    const ended = await watch(session, display, signal);
    await workers?.stop();
    say(ended ? endedWords(input) : await partingWords(session, input, flags));
  } finally {
    await workers?.stop();
    await session.close();
  }
}

function endedWords({ storage }: CoordinatorInput): string {
  return `The coordinator of ${storageName(storage)} was stopped. What is stored stays; the next start goes on from there.`;
}

/** What becomes of the coordinator when this process leaves it. */
async function partingWords(
  session: TemporalSession,
  { storage }: CoordinatorInput,
  flags: CoordinatorFlags,
) {
  if (!session.embedded) {
    return 'The coordinator goes on in the server; see: aptos-backup status. To end it: aptos-backup stop';
  }
  const goesOn = await workersLive(session).catch(() => false);
  if (!goesOn) return 'Stopped. The next start goes on from here.';
  const name = storageName(storage);
  return `This command ends, but the coordinator of ${name} goes on: another aptos-backup with the same data folder works for it. To end it: ${stopOf(name, flags)}`;
}

interface Display {
  /** `change`: the settings that were given. What a running coordinator has beside them stays. */
  settings: { input: CoordinatorInput; change: SettingsChange };
  /** Where the settings come from a file. */
  live: LiveConfig | undefined;
  board: StatusBoard;
  onStatus: (status: LiveStatus) => void;
  /** Called when the coordinator gives no answer. */
  onSilence: (error: unknown) => void;
}

/** Returns whether somebody ended the coordinator; else the signal has aborted. */
async function watch(
  { client, embedded }: TemporalSession,
  display: Display,
  signal: AbortSignal,
): Promise<boolean> {
  const { settings, live } = display;
  try {
    for (;;) {
      const id = coordinatorId(parseCoordinatorInput(settings.input).storage);
      const joined = await abortable(client, signal, () => isRunning(client, id)).catch(() => true);
      const { workflowId, settings: answer } = await abortable(client, signal, () =>
        ensureCoordinator(client, settings.input, display.onSilence, settings.change),
      );
      live?.begun();
      say(`Workflow ${workflowId}, ${joined ? `settings ${inFlags(answer)}` : 'begun'}`);
      try {
        return await show(client, workflowId, display, signal);
      } catch (error) {
        // The embedded server had to start a new database. The storage knows how far the backups are.
        if (!embedded || !(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}

/** Shows the status until the signal aborts or somebody ends the workflow. Returns whether somebody did. */
async function show(
  client: Client,
  workflowId: string,
  { live, board, onStatus, onSilence }: Display,
  signal: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const end = resultOf(client, client.workflow.getHandle(workflowId), signal).finally(() =>
    over.abort(),
  );
  end.catch(() => undefined);
  const either = AbortSignal.any([signal, over.signal]);
  const overseer = new Overseer(client, workflowId);
  while (!either.aborted) {
    if (live)
      await abortable(client, either, () => live.look(client, workflowId, either)).catch(onSilence);
    await abortable(client, signal, () => overseer.read()).then(onStatus, onSilence);
    await board.pause(either);
  }
  board.end();
  if (signal.aborted) return false;
  await end.catch((error: unknown) => {
    if (!isStopped(error)) throw error;
  });
  return true;
}
