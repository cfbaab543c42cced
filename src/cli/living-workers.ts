import { hostname } from 'node:os';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { runsCommandWith } from '../lib/host/process-info.js';
import { parseIdentity } from '../supervisor/worker-identity.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { pollersOf } from '../temporal/pollers.js';

/** Longest wait for the server, which may be silent. */
const ANSWER_MS = 30_000;

/**
 * Whether workers run that answer for workflows. Of the embedded server, all workers are on this host, so those that
 * have ended are told by the process list. Of another server, it is whether any has lately asked for work.
 */
export async function workersLive(session: TemporalSession): Promise<boolean> {
  const { client, connection, namespace, embedded } = session;
  const ask = () => pollersOf(connection, namespace, CONTROL_QUEUE);
  const identities = await client.withDeadline(Date.now() + ANSWER_MS, ask);
  return identities.some((identity) => !embedded || isAliveHere(identity));
}

function isAliveHere(identity: string): boolean {
  const worker = parseIdentity(identity);
  return worker?.host !== hostname() || runsCommandWith(worker.pid, worker.mark);
}
