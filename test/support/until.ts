/** Looks are rarer the longer one waits: a look often asks a server and a worker, whose CPU the awaited work needs. */
const PAUSE_MS = { first: 50, last: 500, ofWait: 1 / 20 };

/** Polls a condition. Throws with `what` when it does not become true in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 240_000,
): Promise<void> {
  const began = Date.now();
  while (!(await condition())) {
    const waited = Date.now() - began;
    if (waited > timeoutMs) throw new Error(`did not happen in time: ${what}`);
    const pause = Math.max(PAUSE_MS.first, Math.min(PAUSE_MS.last, waited * PAUSE_MS.ofWait));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
