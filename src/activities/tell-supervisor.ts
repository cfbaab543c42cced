import type { Info } from '@temporalio/activity';
import { parseInput } from '../contract/backup-input.js';
import { describeTarget } from '../contract/job.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { tell } from '../supervisor/in-flight.js';

/**
 * Runs `run` and tells the supervisor of this process that the attempt is in hand meanwhile. When the
 * process dies, the supervisor reports the attempt as failed. Without a supervisor it only runs `run`.
 */
export async function tellWhile<T>(
  info: Info,
  args: readonly unknown[],
  run: () => Promise<T>,
): Promise<T> {
  const range = rangeOf(args[0]) ?? unitOf(args);
  tell({
    begun: {
      token: info.base64TaskToken,
      activity: info.activityType,
      ...(range === undefined ? {} : { range }),
      workflowId: info.workflowExecution?.workflowId ?? '',
      attempt: info.attempt,
      since: Date.now(),
    },
  });
  try {
    return await run();
  } finally {
    tell({ ended: info.base64TaskToken });
  }
}

/** Sends the last heartbeat of an attempt to the supervisor, for a crash report. */
export function tellHeartbeat({ base64TaskToken: beat }: Info, details: object): void {
  tell({ beat, at: Date.now(), details });
}

function rangeOf(argument: unknown): string | undefined {
  const range = (argument as { range?: { first?: unknown; last?: unknown } } | undefined)?.range;
  if (typeof range?.first !== 'string' || typeof range.last !== 'string') return undefined;
  return `${range.first} to ${range.last}`;
}

/** The unit of an activity that gets a kind and the input of a backup, as `backUpUnit` does. */
function unitOf([type, input]: readonly unknown[]): string | undefined {
  const kind = BACKUP_TYPES.find((one) => one === type);
  if (!kind) return undefined;
  try {
    return describeTarget(parseInput(kind, input).job.target);
  } catch {
    return undefined; // the activity itself says what is wrong with its input
  }
}
