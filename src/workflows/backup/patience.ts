import { type ActivityOptions, condition, setHandler } from '@temporalio/workflow';
import type { Controls } from '../../contract/job.js';
import { type Phase, QUARANTINED } from '../../contract/messages.js';
import { controlOptions } from '../activity-options.js';
import { runOrApart } from '../apart.js';
import { retry } from '../message-definitions.js';
import { failureCode, mayPass, reasonOf } from '../workflow-failure.js';
import type { RunState } from './run-state.js';

/** A blocked backup tries again after this time. The time doubles with every block... */
const FIRST_RETRY_MS = 10 * 60_000;
/** ...up to this limit. */
const LAST_RETRY_MS = 2 * 60 * 60_000;
/**
 * After about two weeks of retries the backup fails, so that its history stays bounded. A new start
 * continues it.
 */
const MOST_BLOCKS = 200;

/** Lets a backup wait, in the phase `blocked`, for a `retry` or for the end of its rest. */
export class Patience {
  private retryAsked = false;
  private blocks = 0;

  constructor(
    private readonly state: RunState,
    private readonly whenBlocked: Controls['whenBlocked'],
  ) {
    setHandler(retry, () => this.askRetry(), {
      description: 'Try again now what failed: ranges, or a plan or a commit; answers how many.',
    });
  }

  /** Whether the backup may wait once more. If not, it fails. */
  get mayWait(): boolean {
    return this.whenBlocked === 'wait' && this.blocks < MOST_BLOCKS;
  }

  /** Waits for a `retry`, or until the rest is over. Then it enters phase `then`. */
  async wait(what: string, then: Phase): Promise<void> {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.blocks, LAST_RETRY_MS);
    this.blocks += 1;
    const until = `waiting for aptos-backup retry, or ${wait / 60_000} minutes`;
    this.state.enter('blocked', `${what}; ${until}`);
    await condition(() => this.retryAsked, wait);
    this.retryAsked = false;
    this.state.enter(then);
  }

  /**
   * Runs a plan or a commit. If the input allows it, the run waits as long as the storage or the node are
   * away. An activity in quarantine is tried again, too, but only apart.
   */
  async persist<R>(
    phase: Phase,
    summary: string,
    run: (options: ActivityOptions) => Promise<R>,
  ): Promise<R> {
    for (let deadly = false; ;) {
      try {
        return await runOrApart(controlOptions, summary, run, deadly);
      } catch (error) {
        const quarantined = failureCode(error) === QUARANTINED;
        if (!this.mayWait || !(quarantined || mayPass(error))) throw error;
        deadly ||= quarantined;
        await this.wait(reasonOf(error), phase);
      }
    }
  }

  private askRetry(): number {
    if (this.state.phase !== 'blocked') return 0;
    this.retryAsked = true;
    return Math.max(1, this.state.failed.length);
  }
}
