import type { StorageBackend } from './backend.js';
import { BoundedSteps } from './bounded-steps.js';
import type { Bounded, Run } from './bounded.js';

/**
 * The parts of a file, each within its deadline. The signal of `bounds` ends the read. A read that hangs is stopped, and
 * closing does not wait for it.
 */
export async function* readInTime(
  backend: StorageBackend,
  bounds: Bounded,
  toTheEnd: Run,
): AsyncGenerator<Uint8Array> {
  const { handle, signal } = bounds;
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const steps = new BoundedSteps(bounds);
  const call = { signal: stop.signal, progress: () => steps.progress() };
  const parts = backend.read(handle, call)[Symbol.asyncIterator]();
  const next = () => parts.next();
  let hangs = true;
  try {
    for (;;) {
      hangs = true;
      const part = await steps.wait(next);
      hangs = false;
      if (part.done) return;
      yield part.value;
    }
  } finally {
    steps.close();
    signal?.removeEventListener('abort', onAbort);
    if (hangs) stop.abort();
    const end = Promise.resolve(parts.return?.());
    if (hangs) end.catch(() => undefined);
    else await toTheEnd(`close ${handle}`, handle, () => end);
  }
}
