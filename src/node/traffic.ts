/**
 * Bytes that this thread received from nodes and how long its work took, since the last call of `handOnTraffic`.
 * The metrics of the worker are made from it. A thread collects nothing before `collectTraffic` is called.
 */
export interface Traffic {
  /** Bytes received, by endpoint. */
  received: Record<string, number>;
  /** Durations in seconds, by the name of the timer (docs/architecture.md). */
  seconds: Record<string, number[]>;
}

let collected: Traffic | undefined;

export function collectTraffic(): void {
  collected ??= { received: {}, seconds: {} };
}

export function noteReceived(endpoint: string, bytes: number): void {
  if (collected) collected.received[endpoint] = (collected.received[endpoint] ?? 0) + bytes;
}

export function noteSeconds(name: string, ...seconds: number[]): void {
  if (collected) (collected.seconds[name] ??= []).push(...seconds);
}

/** Runs `work` and notes how long it took, also when it fails. */
export async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    noteSeconds(name, (performance.now() - begun) / 1000);
  }
}

/** Adds what another thread has collected. */
export function addTraffic({ received, seconds }: Traffic): void {
  for (const [endpoint, bytes] of Object.entries(received)) noteReceived(endpoint, bytes);
  for (const [name, times] of Object.entries(seconds)) noteSeconds(name, ...times);
}

/** Passes on what was collected since the last call, if there is anything. */
export function handOnTraffic(to: (traffic: Traffic) => void): void {
  const taken = collected;
  if (!taken || Object.keys({ ...taken.received, ...taken.seconds }).length === 0) return;
  collected = { received: {}, seconds: {} };
  to(taken);
}
