import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { WorkerMessage } from '../temporal/in-flight.js';

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

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}

function rangeOf(argument: unknown): string | undefined {
  const range = (argument as { range?: { first?: unknown; last?: unknown } } | undefined)?.range;
  if (typeof range?.first !== 'string' || typeof range.last !== 'string') return undefined;
  return `${range.first} to ${range.last}`;
}
