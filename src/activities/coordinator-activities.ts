import {
  ApplicationFailure,
  CancelledFailure,
  type Client,
  type WorkflowHandle,
  WorkflowFailedError,
} from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { codeOfFailure, failureOf } from '../contract/failure.js';
import { Lease } from '../repository/lease.js';
import { surveyStorage } from '../coordinator/survey.js';
import { tidyStorage } from '../coordinator/tidy.js';
import { watchNodes } from '../coordinator/watch/watch-nodes.js';
import { resultOf } from '../client/calls.js';
import { readProgress } from '../client/progress.js';
import { type BackupInput, startBackup } from '../client/start-backup.js';
import type { TidyOrder, WatchOrder, WatchResult } from '../contract/coordinator-state.js';
import type { NodeView, Survey, Unreferenced } from '../contract/coordinator-memory.js';
import { type BackupType, type JobSettings, workflowIdOf } from '../contract/job.js';
import type { BackupResult } from '../contract/unit.js';
import { openStorage, storageId } from '../storage/open.js';
import { createClaimActivities } from './claim-activities.js';
import { holderOfActivity } from './holder.js';
import { isRunning } from './is-running.js';
import { currentHeart } from './heartbeat.js';
import { onNode } from './on-node.js';
import { ServerClock } from './server-clock.js';
import type { Sites } from './sites.js';
import { UnitProgressWatch } from './unit-progress.js';

export type CoordinatorActivities = ReturnType<typeof createCoordinatorActivities>;

const PROGRESS_MS = 4_000;

/** The side effects of a coordinator: read the storage, watch the node, and run units. */
export function createCoordinatorActivities(tools: { sites: Sites }) {
  return {
    ...createClaimActivities(tools),

    /** Reads what the storage holds. */
    surveyStorage(settings: JobSettings): Promise<Survey> {
      return onNode(tools.sites, settings, (site): Promise<Survey> =>
        surveyStorage(site, settings.storage),
      );
    },

    /** Removes what can never become part of a backup. Returns what no metadata line names. */
    async tidyStorage({ settings, ...order }: TidyOrder): Promise<Unreferenced> {
      const { client } = Context.current();
      const { signal, beat } = currentHeart();
      return tidyStorage(order, {
        storage: openStorage(settings.storage, signal),
        holder: await holderOfActivity(),
        signal,
        report: (phase) => beat({ phase }),
        isRunning: (unit) => isRunning(client, workflowIdOf(storageId(settings.storage), unit)),
      });
    },

    /** Watches the node. Returns when the coordinator has something to do. */
    watchNode: (order: WatchOrder): Promise<WatchResult> => watchNode(tools.sites, order),

    backUpUnit,
  };
}

async function watchNode(sites: Sites, order: WatchOrder): Promise<WatchResult> {
  const { client, info } = Context.current();
  const { signal, beat } = currentHeart();
  const clock = new ServerClock(info);
  const { settings, keepClaim } = order;
  const lease = keepClaim
    ? new Lease(openStorage(settings.storage), 'coordinator', await holderOfActivity())
    : undefined;
  let latest: NodeView | undefined;
  const seen = viewOfAttempt(info.heartbeatDetails);
  const limited = new Map<string, () => unknown>();
  const watching = watchNodes(order, {
    signal,
    serverNow: () => clock.now(),
    report: (view) => {
      latest = view;
      beat({ view, begun: clock.begun });
    },
    snapshotProgress: (workflowId) => progressOf(client, workflowId),
    open(node) {
      const known = limited.get(node);
      limited.set(node, known ?? sites.gates.limit(node, settings.nodeLimits, () => client));
      return sites.get(settings, node, signal);
    },
    forget: (node) => sites.forget(settings, node),
    rests: sites.rests(settings),
    ...(lease ? { lease } : {}),
    ...(seen ? { seen } : {}),
  });
  try {
    return await watching;
  } catch (error) {
    if (latest && signal.aborted && wasDropped()) return { view: withoutRests(latest) };
    throw error;
  } finally {
    for (const unlimit of limited.values()) unlimit();
  }
}

/**
 * Starts the workflow of a unit, or joins the running one, and waits for its result. The unit outlives
 * this activity. It is cancelled only when the coordinator asks for it.
 */
async function backUpUnit(type: BackupType, input: BackupInput): Promise<BackupResult> {
  const { client, info } = Context.current();
  const { signal, beat, reached } = currentHeart();
  const coordinator = info.workflowExecution?.workflowId;
  const handle = await startBackup(client, type, input, coordinator);
  const { workflowId } = handle;
  const watch = new UnitProgressWatch(info.heartbeatDetails);
  beat({ workflow_id: workflowId });
  const show = setInterval(() => {
    readProgress(client, workflowId).then(
      (progress) => {
        const seen = watch.see(progress, Date.now());
        reached(seen.done);
        beat({ workflow_id: workflowId, ...seen });
      },
      () => undefined, // it has not started, or no worker answers
    );
  }, PROGRESS_MS);
  try {
    return await resultOf(client, handle, signal);
  } catch (error) {
    if (signal.aborted) await cancelIfAsked(handle);
    throw unitFailure(error);
  } finally {
    clearInterval(show);
  }
}

async function progressOf(client: Client, workflowId: string) {
  const { records_done: done, records_total: total } = await readProgress(client, workflowId);
  return { done: Number(done), total: Number(total) };
}

/** What the last attempt saw last, from its heartbeat. */
function viewOfAttempt(beat: unknown): NodeView | undefined {
  const { view } = (beat ?? {}) as { view?: NodeView };
  return view && withoutRests(view);
}

/** Resting nodes travel in heartbeats only. */
function withoutRests({ resting: _, ...view }: NodeView): NodeView {
  return view;
}

/** Whether the coordinator dropped the activity and goes on itself. False when the worker stops. */
function wasDropped(): boolean {
  return Context.current().cancellationDetails?.cancelRequested === true;
}

/**
 * Cancels the unit if the coordinator asked for it. Not when the worker stops, and not when the
 * coordinator continues as new.
 */
async function cancelIfAsked(handle: WorkflowHandle): Promise<void> {
  if (!wasDropped()) return;
  await handle.cancel().catch(() => undefined); // it has just ended
}

/** Turns the failure of a unit into the failure of this activity, with the unit's own code and words. */
function unitFailure(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const { cause } = error;
  const stopped = cause instanceof CancelledFailure ? 'somebody cancelled the backup' : undefined;
  const failed = cause instanceof ApplicationFailure;
  return failureOf(
    failed ? codeOfFailure(cause) : 'UNIT_STOPPED',
    stopped ?? cause?.message ?? error.message,
    { final: true, details: failed ? (cause.details ?? []) : [] },
  );
}
