import type { Client, WorkflowHandle } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { type BackupProgress, readProgress } from '../client/progress.js';
import { bytes, duration } from '../monitor/format.js';
import { tellStuck } from './tell-stuck.js';

const TTY_INTERVAL_MS = 500;
const LINE_INTERVAL_MS = 5_000;
const BAR = 24;

/**
 * Shows on stderr what a backup does until it ends. Returns its result.
 * @throws the backup's failure; the reason of `left`
 */
export async function watchBackup<T>(
  client: Client,
  handle: WorkflowHandle<() => Promise<T>>,
  left: AbortSignal,
): Promise<T> {
  const line = new ProgressLine();
  const interval = process.stderr.isTTY ? TTY_INTERVAL_MS : LINE_INTERVAL_MS;
  const stopTelling = tellStuck(client, handle.workflowId, (text) => line.note(text));
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return; // no worker answers yet
    asking = true;
    abortable(client, left, () => readProgress(client, handle.workflowId))
      .then((progress) => line.show(progress))
      .catch(() => undefined) // it has ended, or no worker has started it yet
      .finally(() => {
        asking = false;
      });
  }, interval);
  try {
    return await resultOf(client, handle, left);
  } finally {
    clearInterval(timer);
    stopTelling();
    line.end();
  }
}

/** One line: rewritten on a terminal, printed now and then elsewhere. */
class ProgressLine {
  private first: { at: number; bytes: number; share: number } | undefined;
  private ended = false;

  show(progress: BackupProgress): void {
    if (this.ended) return;
    const text = this.describe(progress);
    if (process.stderr.isTTY) {
      const width = process.stderr.columns || 80;
      process.stderr.write(`\r\u001b[2K${text.slice(0, width - 1)}`);
    } else {
      process.stderr.write(`${text}\n`);
    }
  }

  /** Prints a line that stays. */
  note(text: string): void {
    process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[2K' : ''}${text}\n`);
  }

  end(): void {
    this.ended = true;
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
  }

  private describe(progress: BackupProgress): string {
    const {
      phase,
      records_total: recordsTotal,
      records_done: recordsDone,
      bytes_done: bytesDone,
      retrying,
      failed,
      waiting_for: waitingFor,
    } = progress;
    const now = performance.now();
    const total = Number(recordsTotal);
    const share = total > 0 ? Math.min(1, Number(recordsDone) / total) : 0;
    // Count only what was seen here: an earlier run may have done a part.
    this.first ??= { at: now, bytes: bytesDone, share };
    const seconds = (now - this.first.at) / 1000;
    const rate = seconds > 0 ? (bytesDone - this.first.bytes) / seconds : 0;
    const gained = share - this.first.share;
    const eta = gained > 0.005 && share < 1 ? (seconds / gained) * (1 - share) : undefined;
    const bar = '#'.repeat(Math.round(share * BAR)).padEnd(BAR, '.');
    return [
      `${progress.target} [${bar}] ${(share * 100).toFixed(0)} %`,
      `${phase}${progress.paused ? ' (paused)' : ''}`,
      `${recordsDone} of ${recordsTotal} records`,
      bytes(bytesDone),
      ...(rate > 0 ? [`${bytes(rate)}/s`] : []),
      ...(eta === undefined ? [] : [`ETA ${duration(eta)}`]),
      ...(waitingFor === undefined ? [] : [waitingFor]),
      ...failed.slice(0, 1).map((f) => `failed ${f.range}: ${f.reason}`),
      ...retrying.slice(0, 1).map((r) => `attempt ${r.attempt} after: ${r.reason}`),
    ].join(', ');
  }
}
