import type { Client } from '@temporalio/client';
import { stuckError } from '../client/stuck.js';

const LOOK_MS = 10_000;

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
