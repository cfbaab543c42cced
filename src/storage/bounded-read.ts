import type { StorageBackend } from './backend.js';
import type { Run } from './bounded.js';
import { type Bounded, BoundedWaits } from './bounded-waits.js';

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
  signal?.throwIfAborted();
  const stop = new AbortController();
  const waits = new BoundedWaits(bounds, (reason) => stop.abort(reason));
  const call = { signal: stop.signal, progress: () => waits.progress() };
  const parts = backend.read(handle, call)[Symbol.asyncIterator]();
  const next = () => parts.next();
  let hangs = true;
  try {
    for (;;) {
      hangs = true;
      signal?.throwIfAborted();
      const part = await waits.wait(next);
      hangs = false;
      if (part.done) return;
      yield part.value;
    }
  } finally {
    waits.close();
    if (hangs) stop.abort();
    const end = Promise.resolve(parts.return?.());
    if (hangs) end.catch(() => undefined);
    else await toTheEnd(`close ${handle}`, handle, () => end);
  }
}
