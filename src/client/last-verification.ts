import type { Client } from '@temporalio/client';
import { VERIFY_PROGRESS, readProgress } from '../contract/verify-progress.js';
import type { VerifiedTimes } from '../contract/answers/coordinator-answers.js';
import type { VerifyProgress } from '../contract/answers/verify-answers.js';
import { withWhy } from './why-failed.js';
import type { LastVerification } from '../contract/answers/shown-answers.js';

const MOST_READ = 100;

/** Reads it from the server's list of workflows whose ids begin with `prefix`, which begins with the newest. */
export async function lastVerification(client: Client, prefix: string): Promise<LastVerification> {
  const query = `WorkflowType = "verifyBackups" AND WorkflowId STARTS_WITH "${prefix}"`;
  const last: LastVerification = { running: false };
  const note = (key: TimeKey, at: Date | undefined) => noteTime(last, key, at);
  let read = 0;
  let failed: { workflowId: string; runId: string } | undefined;
  for await (const run of client.workflow.list({ query })) {
    const { status, startTime, closeTime, memo } = run;
    const progress = readProgress(memo?.[VERIFY_PROGRESS]);
    last.progress ??= progress;
    const known = readOf(progress);
    if (known) last.read ??= known;
    note(
      'whole_at',
      progress.whole_at === undefined ? undefined : new Date(Number(progress.whole_at)),
    );
    note(
      'rotated_at',
      progress.rotated_at === undefined ? undefined : new Date(Number(progress.rotated_at)),
    );
    note('started_at', startTime);
    if (status.name === 'RUNNING') last.running = true;
    if (status.name === 'COMPLETED') note('succeeded_at', closeTime);
    if (status.name === 'FAILED' || status.name === 'TIMED_OUT') {
      if (!last.failed_at) failed = run;
      note('failed_at', closeTime);
    }
    read += 1;
    if (read === MOST_READ || (last.succeeded_at && last.failed_at)) break;
  }
  return withWhy(client, last, failed);
}

type TimeKey = 'started_at' | 'succeeded_at' | 'failed_at' | 'whole_at' | 'rotated_at';

function noteTime(last: LastVerification, key: TimeKey, at: Date | undefined): void {
  const time = at && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
  if (time !== undefined && time > (last[key] ?? '')) last[key] = time;
}

/** Adds the times that are kept in the storage: the server forgets old verifications. */
export function withStored(
  known: LastVerification | undefined,
  stored: VerifiedTimes | undefined,
): LastVerification | undefined {
  if (!stored || Object.keys(stored).length === 0) return known;
  const { first, good, whole, rotated, failed } = stored;
  const last: LastVerification = { ...(known ?? { running: false }) };
  const note = (key: TimeKey, at: number | undefined) =>
    noteTime(last, key, at === undefined ? undefined : new Date(at));
  note('succeeded_at', good);
  note('whole_at', whole);
  note('rotated_at', rotated);
  note('failed_at', failed);
  // A verification of another server, or one that this server has forgotten.
  if (last.failed_at !== known?.failed_at) delete last.failed_why;
  if (first !== undefined) last.first_at = new Date(first).toISOString();
  return last;
}

function readOf({
  read_backups: readBackups,
  of_backups: ofBackups,
  read_since: readSince,
}: VerifyProgress): LastVerification['read'] {
  if (readBackups === undefined || ofBackups === undefined) return undefined;
  const since = readSince === undefined ? undefined : new Date(Number(readSince)).toISOString();
  return { backups: Number(readBackups), of: Number(ofBackups), since };
}
