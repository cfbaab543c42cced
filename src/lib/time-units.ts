const SECONDS_IN = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of a count of seconds, minutes, hours or days. `unit`: s, m, h or d. */
export function inSeconds(count: string, unit: string): number {
  return Number(count) * SECONDS_IN[unit as keyof typeof SECONDS_IN];
}

/** Whole seconds in the largest unit that needs no fraction: 1d, 36h, 90s. The way back of `inSeconds`. */
export function inLargestUnit(seconds: number): string {
  const units = Object.entries(SECONDS_IN).reverse();
  const [unit, size] = units.find(([, one]) => seconds % one === 0) ?? ['s', 1];
  return `${seconds / size}${unit}`;
}
