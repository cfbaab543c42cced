import type { Client } from '@temporalio/client';
import { abortable } from '../client/calls.js';
import { ToldReasons, describeFailing, failingWork } from '../client/failing-work.js';
import { stuckError } from '../client/stuck.js';
import { say } from './say.js';

const LOOK_MS = 10_000;
const LOOK_FOR_FAILURES_MS = 2_000;

/** Says when the code of an awaited workflow fails, until the returned function is called. */
export function tellStuck(client: Client, workflowId: string, say: (line: string) => void) {
  let told = '';
  const timer = setInterval(() => {
    void stuckError(client, workflowId).then((error) => {
      if (!error || error.message === told) return;
      told = error.message;
      say(told);
    });
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/**
 * Says why an awaited workflow does not get on, until the returned function is called or `left` aborts: that its code
 * fails, and the reason of each attempt that failed and is tried again, when it is new.
 */
export function tellTrouble(client: Client, workflowId: string, left: AbortSignal): () => void {
  const stopStuck = tellStuck(client, workflowId, (text) => say(text, 'error'));
  const reasons = new ToldReasons();
  let asking = false;
  let ended = false;
  const look = async () => {
    const failing = await failingWork(client, workflowId);
    if (ended) return;
    for (const one of reasons.news(failing)) {
      say(describeFailing(one), 'warn', { event: 'retrying', code: one.code });
    }
  };
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    abortable(client, left, look)
      .catch(() => undefined) // it has ended, or the server is away
      .finally(() => (asking = false));
  }, LOOK_FOR_FAILURES_MS);
  return () => {
    ended = true;
    clearInterval(timer);
    stopStuck();
  };
}
