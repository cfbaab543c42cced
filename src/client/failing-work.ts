import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type ErrorCode, entryOf, isErrorCode } from '../errors/catalogue.js';
import { withoutNumbers } from '../lib/without-numbers.js';
import { pendingActivities } from './progress.js';

/** A workflow may have many children. Whoever waits needs the reason of one of them. */
const MOST_CHILDREN = 8;

/** Work of a workflow that failed and is tried again. */
export interface FailingWork {
  /** How many attempts have failed. */
  failed: number;
  code: ErrorCode | undefined;
  reason: string;
}

/**
 * What has failed in a running workflow, or in its children, and is tried again. Empty when the workflow does not run.
 */
export async function failingWork(client: Client, workflowId: string): Promise<FailingWork[]> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const children = (raw.pendingChildren ?? []).slice(0, MOST_CHILDREN);
  const ofChildren = children.map(async ({ workflowId: child }) =>
    child ? failingWork(client, child).catch(gone) : [],
  );
  const own = pendingActivities(raw).flatMap(({ attempt, reason, type }): FailingWork[] =>
    reason === undefined
      ? []
      : [{ failed: attempt - 1, code: isErrorCode(type) ? type : undefined, reason }],
  );
  return [...own, ...(await Promise.all(ofChildren)).flat()];
}

/** A child that has just ended is no trouble. Any other failure says nothing about the child. */
function gone(error: unknown): FailingWork[] {
  if (error instanceof WorkflowNotFoundError) return [];
  throw error;
}

/** Why work failed, and what to do. */
export function describeFailing({ failed, code, reason }: FailingWork): string {
  const tries = failed > 1 ? `${failed} attempts` : 'an attempt';
  const todo = code === undefined ? 'See the logs of the workers.' : entryOf(code).whatToDo;
  const named = code === undefined ? '' : ` (${code})`;
  return `${tries} failed, and the next one follows: ${reason}${named}. ${todo}`;
}

/** Remembers which reasons were told. */
export class ToldReasons {
  private told: readonly FailingWork[] = [];

  /**
   * Of the work that fails now, what was not told yet: for each kind of error one, until its reason changes or it comes
   * back after it was away.
   */
  news(failing: readonly FailingWork[]): FailingWork[] {
    const now: FailingWork[] = [];
    for (const code of new Set(failing.map((one) => one.code))) {
      if (code === 'HANDED_BACK') continue; // a worker was told to stop, and another one goes on
      const all = failing.filter((one) => one.code === code);
      now.push(all.find((one) => this.told.some((before) => isSame(before, one))) ?? all[0]!);
    }
    const news = now.filter((one) => !this.told.some((before) => isSame(before, one)));
    this.told = now;
    return news;
  }
}

/** Whether two reasons differ in numbers at most: free bytes, times, and which of many chunks it is. */
function isSame(a: FailingWork, b: FailingWork): boolean {
  return a.code === b.code && withoutNumbers(a.reason) === withoutNumbers(b.reason);
}
