import type { ReasonCode } from '../errors/codes/health-codes.js';

/** Codes of reasons that say that nothing is known of the coordinator. Its alarms may last or be over. */
export const BLIND = {
  starts: 'STARTS',
  silent: 'NO_ANSWER',
  stuck: 'STUCK_COORDINATOR',
} as const satisfies Record<string, ReasonCode>;
