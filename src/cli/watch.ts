import type { Client, WorkflowHandle } from '@temporalio/client';
import { abortable, resultOf } from '../client/calls.js';
import { type BackupProgress, readProgress } from '../client/progress.js';
import { bytes } from '../monitor/format.js';
import { Pace, bar } from './pace.js';
import { board, sayProgress } from './say.js';
import { tellTrouble } from './tell-trouble.js';

const TTY_INTERVAL_MS = 500;
const LINE_INTERVAL_MS = 5_000;

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
  const interval = board() ? TTY_INTERVAL_MS : LINE_INTERVAL_MS;
  const stopTelling = tellTrouble(client, handle.workflowId, left);
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
  private readonly pace = new Pace();
  private ended = false;

  show(progress: BackupProgress): void {
    if (this.ended) return;
    sayProgress(this.describe(progress));
  }

  end(): void {
    this.ended = true;
    board()?.show([]);
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
    const total = Number(recordsTotal);
    const share = total > 0 ? Math.min(1, Number(recordsDone) / total) : 0;
    return [
      `${progress.target} ${bar(share)}`,
      `${phase}${progress.paused ? ' (paused)' : ''}`,
      `${recordsDone} of ${recordsTotal} records`,
      bytes(bytesDone),
      ...this.pace.describe(share, bytesDone),
      ...(waitingFor === undefined ? [] : [waitingFor]),
      ...failed.slice(0, 1).map((f) => `failed ${f.range}: ${f.reason}`),
      ...(retrying.length === 0 ? [] : [`${retrying.length} tried again`]),
    ].join(', ');
  }
}
