import type { ReasonCode } from '../errors/codes/health-codes.js';
import type { NotificationWay } from '../contract/answers/shown-answers.js';

type Trouble = { code: ReasonCode; what: string; since: string };

/** What is wrong with the ways of notifications: those that fail. */
export function notificationTroubles(ways: readonly NotificationWay[] = []): Trouble[] {
  return ways.flatMap(({ way, to, failing_since: since, why = 'no answer' }) => {
    if (since === undefined) return [];
    const what = `notifications by ${way} (${to}) do not get through since ${since}: ${why}`;
    return [{ code: `NOTIFICATIONS_${way}`, what, since }];
  });
}
