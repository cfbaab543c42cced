import {
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator-activities.js';
import type { WatchOrder, WatchResult } from '../../contract/coordinator-state.js';
import { watchOptions } from '../activity-options.js';
import { watchSummary } from './watch-order.js';

const { watchNode } = proxyActivities<CoordinatorActivities>(watchOptions);

/** A dropped watch learns of it with its next heartbeat. */
const LAST_LOOK_MS = 15_000;

export interface WatchListener {
  /** The current watch returned. */
  seen(result: WatchResult): void;
  /** A dropped watch returned. */
  seenBefore(result: WatchResult): void;
  watchFailed(error: unknown): void;
}

/** The current watch on the node: an activity that returns when something happens there. */
export class NodeWatch {
  private inUse: { aims: string; scope: CancellationScope } | undefined;
  /** Number of watches that have not returned yet, dropped ones included. */
  private open = 0;

  constructor(private readonly listener: WatchListener) {}

  /** Watches for this order. A watch for another order is dropped. */
  keep(order: WatchOrder): void {
    const { view: _, ...rest } = order;
    const aims = JSON.stringify(rest);
    if (this.inUse?.aims === aims) return;
    this.drop();
    const scope = new CancellationScope();
    const watch = { aims, scope };
    this.inUse = watch;
    const options = { ...watchOptions, summary: watchSummary(order) };
    this.open += 1;
    void scope
      .run(() => watchNode.executeWithOptions(options, [{ ...order, at: Date.now() }]))
      .finally(() => (this.open -= 1))
      .then(
        (result) => {
          if (this.inUse !== watch) return this.listener.seenBefore(result);
          this.inUse = undefined;
          this.listener.seen(result);
        },
        (error: unknown) => {
          if (this.inUse !== watch || isCancellation(error)) return; // dropped for another watch
          this.inUse = undefined;
          this.listener.watchFailed(error);
        },
      );
  }

  drop(): void {
    const { inUse } = this;
    this.inUse = undefined;
    inUse?.scope.cancel();
  }

  /** Drops the watch and waits briefly for its last result. */
  async end(): Promise<void> {
    this.drop();
    await condition(() => this.open === 0, LAST_LOOK_MS);
  }
}
