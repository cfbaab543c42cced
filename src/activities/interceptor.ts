import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { withHeartbeat } from './heartbeat.js';
import { careOf } from './care.js';
import { tellWhile } from './tell-supervisor.js';

/**
 * Does what every activity needs, so that their bodies only do their work: it tells the supervisor what
 * the process has in hand, sends heartbeats, and turns errors into failures with a code and a budget.
 */
export const carefulActivity: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(input, next) {
      const care = careOf(info.activityType, input.args);
      return tellWhile(info, input.args, async (): Promise<unknown> => {
        if (!care) return next(input);
        return withHeartbeat(care.budgets, () => next(input), care.deaths);
      });
    },
  },
});
