import { condition } from '@temporalio/workflow';
import { isConcurrency } from '../contract/backup-input.js';

/** What controls the lanes while they run. */
export interface LaneControls {
  concurrency: number;
  paused: boolean;
}

/**
 * Applies the usable parts of a message and ignores the rest: anybody may send one, and a signal has no
 * answer.
 */
export function turnControls(controls: LaneControls, message: unknown): void {
  if (typeof message !== 'object' || message === null) return;
  const { concurrency, paused }: Partial<Record<keyof LaneControls, unknown>> = message;
  if (isConcurrency(concurrency)) controls.concurrency = concurrency;
  if (typeof paused === 'boolean') controls.paused = paused;
}

/**
 * Runs work in `concurrency` lanes. Each lane takes the next item when it has finished the last. The
 * lanes read both controls before every item, so concurrency and pause can change while they run. Returns
 * when `take` gave nothing more and all lanes are done.
 */
export async function runLanes<T>(
  controls: LaneControls,
  take: () => T | undefined,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let drained = false;

  const lane = async (number: number): Promise<void> => {
    for (;;) {
      await condition(() => drained || (!controls.paused && number < controls.concurrency));
      const item = drained ? undefined : take();
      if (item === undefined) {
        drained = true;
        return;
      }
      await work(item);
    }
  };

  const lanes: Promise<void>[] = [];
  for (;;) {
    while (!drained && lanes.length < controls.concurrency) lanes.push(lane(lanes.length));
    const started = lanes.length;
    const finished = Promise.all(lanes).then(() => true);
    const raised = condition(() => !drained && controls.concurrency > started).then(() => false);
    if (await Promise.race([finished, raised])) return;
  }
}
