import type { ListedSchedule } from '../contract/answers/shown-answers.js';

/** The schedule of a kind, if there is one: its id ends with the kind. */
export function scheduleOf(
  schedules: readonly ListedSchedule[],
  kind: 'verify' | 'drill',
): ListedSchedule | undefined {
  return schedules.find(({ id }) => id.endsWith(`/schedule/${kind}`));
}
