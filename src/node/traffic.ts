/**
 * What this thread received from nodes and how long things took, since it was last asked: for the
 * metrics of whoever runs the worker. Nothing is collected where nobody will ask.
 */
export interface Traffic {
  /** Bytes of answers, by endpoint. */
  received: Record<string, number>;
  /** Seconds, each time, by the name of what was timed. */
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

/** Times something, also when it fails. */
export async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await work();
  } finally {
    noteSeconds(name, (performance.now() - begun) / 1000);
  }
}

/** Adds what another thread has taken. */
export function addTraffic({ received, seconds }: Traffic): void {
  for (const [endpoint, bytes] of Object.entries(received)) noteReceived(endpoint, bytes);
  for (const [name, times] of Object.entries(seconds)) noteSeconds(name, ...times);
}

/** Hands on all since the last time, if there was anything. */
export function handOnTraffic(to: (traffic: Traffic) => void): void {
  const taken = collected;
  if (!taken || Object.keys({ ...taken.received, ...taken.seconds }).length === 0) return;
  collected = { received: {}, seconds: {} };
  to(taken);
}
