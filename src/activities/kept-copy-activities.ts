import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { resultOf } from '../client/calls.js';
import { pendingActivities } from '../client/progress.js';
import { type CopyHandle, copyWorkflowId, startCopy } from '../client/start-copy.js';
import { type CopyInput, parseCopyInput } from '../contract/copy-input.js';
import type { CopyLook, CopyNews } from '../contract/kept-copy.js';
import { codeOfFailure } from '../contract/failure.js';
import { SIGNAL_LIMITS } from '../contract/messages.js';
import { copiedOf } from '../upkeep/copy/copied.js';
import { openEnds } from '../upkeep/copy/copy-ends.js';
import { currentHeart } from './heartbeat.js';

export type KeptCopyActivities = ReturnType<typeof createKeptCopyActivities>;

/** How often a running copy is looked at. */
const LOOK_MS = 4_000;
/** From this attempt on, an activity of a copy is in trouble. One before may have met a hiccup. */
const TROUBLED_ATTEMPT = 3;

/** The side effects of a coordinator that keeps a second storage in step. */
export function createKeptCopyActivities() {
  return {
    /** Reads what the second storage has of the first one. */
    lookAtCopy: (input: CopyInput): Promise<CopyLook> => lookAt(input, currentHeart().signal),

    /**
     * Starts the workflow of a copy, or joins the running one and gives it these limits. Returns at its end; earlier
     * when it fails at something and tries it again, or no longer does: `troubled` says which of the two is known. The
     * workflow outlives this activity, and nobody cancels it.
     */
    async awaitCopy(input: CopyInput, troubled: boolean): Promise<CopyNews> {
      const { client, info } = Context.current();
      const { signal, beat } = currentHeart();
      const handle = await startCopy(client, input, info.workflowExecution?.workflowId);
      beat({ workflow_id: handle.workflowId });
      await setLimits(handle, input);
      const over = new AbortController();
      const either = AbortSignal.any([signal, over.signal]);
      const changed = troubleOf(client, handle, troubled, either);
      try {
        const ended = resultOf(client, handle, either).then((): CopyNews => ({}));
        return await Promise.race([ended, changed]);
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        const failed = error.cause?.message ?? error.message;
        // A storage that is away cannot be looked at. Then what was known of it stays.
        const look = await lookAt(input, signal).catch(() => undefined);
        const skipped = codeOfFailure(error.cause) === 'COPY_INCOMPLETE';
        return {
          failed,
          ...(skipped ? { incomplete: true } : {}),
          ...(look ? { look } : {}),
        };
      } finally {
        over.abort();
      }
    },
  };
}

async function lookAt(input: CopyInput, signal: AbortSignal): Promise<CopyLook> {
  const { settings, limits } = parseCopyInput(input);
  const ends = await openEnds(settings, signal, limits);
  const found = await copiedOf(ends, settings.existingTarget === true);
  return { ...found, workflowId: copyWorkflowId(input) };
}

/** A copy that was begun with other limits goes on with these. */
async function setLimits(handle: CopyHandle, input: CopyInput): Promise<void> {
  const { bytes_per_second, requests_per_second } = input;
  try {
    await handle.signal(SIGNAL_LIMITS, { bytes_per_second, requests_per_second });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error; // else it has just ended
  }
}

/** Waits until the activities of a copy are in trouble; or until none is any more, if they are now. */
async function troubleOf(
  client: Client,
  { workflowId }: CopyHandle,
  troubled: boolean,
  signal: AbortSignal,
): Promise<CopyNews> {
  const handle = client.workflow.getHandle(workflowId);
  for (;;) {
    try {
      await sleep(LOOK_MS, undefined, { signal });
    } catch {
      return new Promise<CopyNews>(() => undefined); // the copy has ended, and nobody waits for this
    }
    const raw = await handle.describe().then(
      (description) => description.raw,
      () => undefined, // the server is away
    );
    if (!raw) continue;
    const failing = pendingActivities(raw).filter(({ reason }) => reason !== undefined);
    if (troubled && failing.length === 0) return { well: true };
    const worst = failing.find(({ attempt }) => attempt >= TROUBLED_ATTEMPT);
    if (!troubled && worst) return { troubled: worst.reason! };
  }
}
