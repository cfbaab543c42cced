import type { Client } from '@temporalio/client';
import type { PageEvent, RunningWork } from '../contract/answers/page-answers.js';
import { levelOfEnd } from './event-log.js';

const MOST_ENDED = 150;
const MOST_RUNNING = 50;
const DAYS_MS = 3 * 86_400_000;
/** Parts of other workflows, and the one that all is about. */
const NOT_LISTED = '"chunkSegment", "backupCoordinator"';
/** Hundreds of backups succeed in a day. They must not push out the rest. */
const OFTEN = '"epochEndingBackup", "stateSnapshotBackup", "transactionBackup", "backupDue"';
const RARE = `(WorkflowType NOT IN (${OFTEN}) OR ExecutionStatus = "Failed" OR ExecutionStatus = "TimedOut")`;
const HOW: Partial<Record<string, string>> = {
  COMPLETED: 'done',
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
  CANCELLED: 'was cancelled',
  TERMINATED: 'was terminated',
};

export interface ListedWork {
  running: RunningWork[];
  ended: PageEvent[];
}

/** What runs for a storage, and what ended in the last days, as the server lists it. `now`: unix milliseconds. */
export async function listWork(client: Client, prefix: string, now: number): Promise<ListedWork> {
  const ours = `WorkflowId STARTS_WITH "${prefix}" AND WorkflowType NOT IN (${NOT_LISTED})`;
  const since = new Date(now - DAYS_MS).toISOString();
  const running: RunningWork[] = [];
  for await (const one of client.workflow.list({
    query: `${ours} AND ExecutionStatus = "Running"`,
    pageSize: MOST_RUNNING,
  })) {
    const { workflowId, type, startTime } = one;
    running.push({ workflow_id: workflowId, type, since: startTime.toISOString() });
    if (running.length === MOST_RUNNING) break;
  }
  const closed = `${ours} AND CloseTime > "${since}"`;
  const newest = await endsOf(client, closed, prefix);
  const rare = await endsOf(client, `${closed} AND ${RARE}`, prefix);
  return { running, ended: [...new Map([...newest, ...rare]).values()] };
}

/** What ended, by run. */
async function endsOf(
  client: Client,
  query: string,
  prefix: string,
): Promise<Map<string, PageEvent>> {
  const ended = new Map<string, PageEvent>();
  for await (const one of client.workflow.list({ query, pageSize: MOST_ENDED })) {
    const { workflowId, runId, status, closeTime } = one;
    const how = HOW[status.name];
    if (how === undefined || !closeTime) continue; // it goes on in another run
    const what = `${workflowId.slice(prefix.length)} ${how}`;
    const level = levelOfEnd(status.name);
    ended.set(runId, { at: closeTime.toISOString(), level, what, workflow_id: workflowId });
    if (ended.size === MOST_ENDED) break;
  }
  return ended;
}
