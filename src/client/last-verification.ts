import type { Client } from '@temporalio/client';
import { VERIFY_PROGRESS, type VerifyProgress, readProgress } from '../plan/verify-progress.js';

/** The newest verifications of a storage, as the server still knows them; ISO times. */
export interface LastVerification {
  running: boolean;
  startedAt?: string;
  /** When one last proved everything it was asked for. */
  succeededAt?: string;
  /** When one last found something, or could not be done. */
  failedAt?: string;
  /** How far the newest one has come. */
  progress?: VerifyProgress;
}

const MOST_READ = 100;

/** From the list of workflows whose ids begin with `prefix`; newest first is the server's order. */
export async function lastVerification(client: Client, prefix: string): Promise<LastVerification> {
  const query = `WorkflowType = "verifyBackups" AND WorkflowId STARTS_WITH "${prefix}"`;
  const last: LastVerification = { running: false };
  const note = (key: 'startedAt' | 'succeededAt' | 'failedAt', at: Date | undefined) => {
    const time = at?.toISOString();
    if (time !== undefined && time > (last[key] ?? '')) last[key] = time;
  };
  let read = 0;
  for await (const { status, startTime, closeTime, memo } of client.workflow.list({ query })) {
    last.progress ??= readProgress(memo?.[VERIFY_PROGRESS]);
    note('startedAt', startTime);
    if (status.name === 'RUNNING') last.running = true;
    if (status.name === 'COMPLETED') note('succeededAt', closeTime);
    if (status.name === 'FAILED' || status.name === 'TIMED_OUT') note('failedAt', closeTime);
    read += 1;
    if (read === MOST_READ || (last.succeededAt && last.failedAt)) break;
  }
  return last;
}
