import type { Client } from '@temporalio/client';
import { withWhy } from './why-failed.js';
import type { VerifiedTimes } from '../contract/answers/coordinator-answers.js';
import type { LastDrill } from '../contract/answers/shown-answers.js';

const MOST_READ = 50;

/** Reads it from the server's list of workflows whose ids begin with `prefix`, which begins with the newest. */
export async function lastDrill(client: Client, prefix: string): Promise<LastDrill> {
  const query = `WorkflowType = "restoreDrill" AND WorkflowId STARTS_WITH "${prefix}"`;
  const last: LastDrill = { running: false };
  let read = 0;
  let failed: { workflowId: string; runId: string } | undefined;
  for await (const run of client.workflow.list({ query })) {
    const { status, startTime, closeTime } = run;
    note(last, 'started_at', startTime);
    if (status.name === 'RUNNING') last.running = true;
    if (status.name === 'COMPLETED') note(last, 'succeeded_at', closeTime);
    if (status.name === 'FAILED' || status.name === 'TIMED_OUT') {
      if (!last.failed_at) failed = run;
      note(last, 'failed_at', closeTime);
    }
    read += 1;
    if (read === MOST_READ || (last.succeeded_at && last.failed_at)) break;
  }
  return withWhy(client, last, failed);
}

/** Adds the times that are kept in the storage: the server forgets old drills. Undefined: there was none. */
export function drillWithStored(
  known: LastDrill | undefined,
  stored: VerifiedTimes | undefined,
): LastDrill | undefined {
  const last: LastDrill = { ...(known ?? { running: false }) };
  const { drilled, restored, drill_failed: failed } = stored ?? {};
  for (const [key, at] of [
    ['succeeded_at', drilled],
    ['restored_at', restored],
    ['failed_at', failed],
  ] as const) {
    if (at !== undefined) note(last, key, new Date(at));
  }
  if (last.failed_at !== known?.failed_at) delete last.failed_why;
  const { running, ...times } = last;
  return running || Object.keys(times).length > 0 ? last : undefined;
}

type TimeKey = 'started_at' | 'succeeded_at' | 'restored_at' | 'failed_at';

function note(last: LastDrill, key: TimeKey, at: Date | undefined): void {
  const time = at && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
  if (time !== undefined && time > (last[key] ?? '')) last[key] = time;
}
