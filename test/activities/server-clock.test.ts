/** A worker knows the server's time from its tasks, whatever its own clock says. */
import { expect, it } from 'vitest';
import { ServerClock } from '../../src/activities/server-clock.js';

const SERVER = 1_000_000;
const MINUTE = 60_000;
const info = (attemptAfter: number, heartbeatDetails?: object) => ({
  scheduledTimestampMs: SERVER,
  currentAttemptScheduledTimestampMs: SERVER + attemptAfter,
  heartbeatDetails,
});
const saidBy = (clock: ServerClock) => Math.round((clock.now() - SERVER) / MINUTE);

it.each([
  ['the clock of a first attempt starts with the order', info(0), 0],
  ['the clock of a later attempt goes on', info(9 * MINUTE), 9],
  [
    'the clock of an attempt whose worker was away goes on',
    info(MINUTE, { begun: Date.now() - 9 * MINUTE }),
    9,
  ],
  ['a host clock that was set back does not count', info(9 * MINUTE, { begun: Date.now() * 2 }), 9],
])('%s', (_, given, minutes) => {
  expect(saidBy(new ServerClock(given))).toBe(minutes);
});
