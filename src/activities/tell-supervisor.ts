import type { Info } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { tell } from '../temporal/supervision/in-flight.js';

/**
 * Tells the supervisor of this process what it has in hand, so that it can report the attempts as
 * failed the moment the process dies; without one it does nothing.
 */
export const tellSupervisor: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const range = rangeOf(input.args[0]);
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
        return await next(input);
      } finally {
        tell({ ended: info.base64TaskToken });
      }
    },
  },
});

/** What the last heartbeat of an attempt said, for a crash report. */
export function tellHeartbeat({ base64TaskToken: beat }: Info, details: object): void {
  tell({ beat, at: Date.now(), details });
}

function rangeOf(argument: unknown): string | undefined {
  const range = (argument as { range?: { first?: unknown; last?: unknown } } | undefined)?.range;
  if (typeof range?.first !== 'string' || typeof range.last !== 'string') return undefined;
  return `${range.first} to ${range.last}`;
}
