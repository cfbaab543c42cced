import type { Client } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { QUERY_STATUS } from '../contract/messages.js';
import { board } from './say.js';
import { tellTrouble } from './tell-trouble.js';

const PROGRESS_MS = 5_000;
const TERMINAL_PROGRESS_MS = 1_000;

/** A workflow that a command waits for. */
export interface Awaited<R> {
  workflowId: string;
  query(name: string): Promise<unknown>;
  result(): Promise<R>;
}

/**
 * Waits for the result of a workflow. Passes the answer of its `status` query to `show` every few seconds, and says
 * why it does not get on. @throws the workflow's failure; the reason of `left`
 */
export async function awaited<R>(
  client: Client,
  handle: Awaited<R>,
  left: AbortSignal,
  show?: (answer: unknown) => void,
): Promise<R> {
  let asking = false;
  let ended = false;
  const ask = async () => {
    const answer = await handle.query(QUERY_STATUS);
    if (!ended) show?.(answer);
  };
  const timer = setInterval(
    () => {
      if (!show || asking) return; // no worker answers yet
      asking = true;
      abortable(client, left, ask)
        .catch(() => undefined)
        .finally(() => (asking = false));
    },
    board() ? TERMINAL_PROGRESS_MS : PROGRESS_MS,
  );
  const stop = tellTrouble(client, handle.workflowId, left);
  return resultOf(client, handle, left).finally(() => {
    ended = true;
    clearInterval(timer);
    stop();
    board()?.show([]);
  });
}
