const SECONDS_IN = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of a count of seconds, minutes, hours or days. `unit`: s, m, h or d. */
export function inSeconds(count: string, unit: string): number {
  return Number(count) * SECONDS_IN[unit as keyof typeof SECONDS_IN];
}
