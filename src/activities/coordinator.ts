import {
  ApplicationFailure,
  CancelledFailure,
  type Client,
  type WorkflowHandle,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { Lease } from '../backup/lease.js';
import { surveyStorage } from '../backup/survey.js';
import { tidyStorage } from '../backup/tidy.js';
import { watchNodes } from '../backup/watch/watch-nodes.js';
import { resultOf } from '../client/calls.js';
import { readProgress } from '../client/progress.js';
import { type BackupInput, startBackup } from '../client/start.js';
import type {
  Survey,
  TidyOrder,
  Unreferenced,
  WatchOrder,
  WatchResult,
} from '../plan/coordinator.js';
import { type BackupType, type JobSettings, workflowIdOf } from '../plan/job.js';
import type { BackupResult } from '../plan/unit.js';
import { openStorage } from '../storage/open.js';
import { storageId } from '../storage/storage-id.js';
import { createClaimActivities } from './claim.js';
import { CONTROL_BUDGETS, COORDINATOR_BUDGETS } from './failures.js';
import { withHeartbeat } from './heartbeat.js';
import { holderOfActivity } from './holder.js';
import { onNode } from './on-node.js';
import { ServerClock } from './server-clock.js';
import type { Sites } from './sites.js';
import { UnitProgressWatch } from './unit-progress.js';

export type CoordinatorActivities = ReturnType<typeof createCoordinatorActivities>;

const PROGRESS_MS = 4_000;

/** What the coordinator cannot do itself: look at storage and node, and run a unit to its end. */
export function createCoordinatorActivities(tools: { sites: Sites }) {
  return {
    ...createClaimActivities(tools),

    /** What the storage holds. */
    async surveyStorage(settings: JobSettings): Promise<Survey> {
      return withHeartbeat(COORDINATOR_BUDGETS, (heart) =>
        onNode(tools.sites, settings, heart, (site): Promise<Survey> =>
          surveyStorage(site, settings.storage, heart.signal),
        ),
      );
    },

    /** Removes what can never become part of a backup, and tells what no metadata line names. */
    async tidyStorage({ settings, ...order }: TidyOrder): Promise<Unreferenced> {
      return withHeartbeat(COORDINATOR_BUDGETS, async (heart) => {
        const { client } = Context.current();
        return tidyStorage(order, {
          storage: openStorage(settings.storage),
          holder: await holderOfActivity(),
          signal: heart.signal,
          report: (phase) => heart.beat({ phase }),
          isRunning: (unit) => isRunning(client, workflowIdOf(storageId(settings.storage), unit)),
        });
      });
    },

    /** Returns when the node that is watched gives the coordinator something to do. */
    async watchNode(order: WatchOrder): Promise<WatchResult> {
      return withHeartbeat(COORDINATOR_BUDGETS, async (heart) => {
        const { client, info } = Context.current();
        const clock = new ServerClock(info);
        const { settings, keepClaim } = order;
        const lease = keepClaim
          ? new Lease(openStorage(settings.storage), 'coordinator', await holderOfActivity())
          : undefined;
        return watchNodes(order, {
          signal: heart.signal,
          serverNow: () => clock.now(),
          report: (view) => heart.beat({ view, begun: clock.begun }),
          snapshotProgress: (workflowId) => progressOf(client, workflowId),
          open: (node) => tools.sites.get(settings, node, heart.signal),
          forget: (node) => tools.sites.forget(settings, node),
          rests: tools.sites.rests(settings),
          ...(lease ? { lease } : {}),
        });
      });
    },

    /**
     * Starts the workflow of a unit, or joins the one that runs already, and waits for its result.
     * The unit outlives this: only when the coordinator asks for it is the unit cancelled.
     */
    async backUpUnit(type: BackupType, input: BackupInput): Promise<BackupResult> {
      return withHeartbeat(CONTROL_BUDGETS, async (heart) => {
        const { client } = Context.current();
        const handle = await startBackup(client, type, input);
        const { workflowId } = handle;
        const watch = new UnitProgressWatch(Context.current().info.heartbeatDetails);
        heart.beat({ workflowId });
        const show = setInterval(() => {
          readProgress(client, workflowId).then(
            (progress) => heart.beat({ workflowId, ...watch.see(progress, Date.now()) }),
            () => undefined, // it has not begun, or no worker answers
          );
        }, PROGRESS_MS);
        try {
          return await resultOf(client, handle, heart.signal);
        } catch (error) {
          if (heart.signal.aborted) await cancelIfAsked(handle);
          throw unitFailure(error);
        } finally {
          clearInterval(show);
        }
      });
    },
  };
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function progressOf(client: Client, workflowId: string) {
  const { recordsDone, recordsTotal } = await readProgress(client, workflowId);
  return { done: Number(recordsDone), total: Number(recordsTotal) };
}

/** A worker that stops, or a coordinator that continues as new, does not want the unit cancelled. */
async function cancelIfAsked(handle: WorkflowHandle): Promise<void> {
  const { cancellationDetails } = Context.current();
  if (cancellationDetails?.cancelRequested !== true) return;
  await handle.cancel().catch(() => undefined); // it has just ended
}

/** How a unit ended becomes the failure of waiting for it: its own code and words. */
function unitFailure(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError)) return error;
  const { cause } = error;
  const type = cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
  const stopped =
    cause instanceof CancelledFailure ? 'the backup was cancelled by somebody' : undefined;
  return ApplicationFailure.nonRetryable(
    stopped ?? cause?.message ?? error.message,
    type ?? 'UNIT_STOPPED',
    ...(cause instanceof ApplicationFailure ? (cause.details ?? []) : []),
  );
}
