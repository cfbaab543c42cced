import type { Client } from '@temporalio/client';
import { StuckWorkflowError, describeGoing } from '../client/stuck.js';

const LOOK_MS = 10_000;

/** Says when the code of a workflow that somebody waits for fails; until the returned function is called. */
export function tellStuck(client: Client, workflowId: string, say: (line: string) => void) {
  let told = '';
  const timer = setInterval(() => {
    describeGoing(client, workflowId).catch((error: unknown) => {
      if (!(error instanceof StuckWorkflowError) || error.message === told) return;
      told = error.message;
      say(told);
    });
  }, LOOK_MS);
  return () => clearInterval(timer);
}
