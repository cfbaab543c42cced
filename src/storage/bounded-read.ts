import type { StorageBackend } from './backend.js';
import { type Run, Steps } from './bounded.js';

/**
 * The parts of a file, each within its deadline. `signal` ends the read. A read that hangs is stopped, and
 * closing does not wait for it.
 */
export async function* readInTime(
  backend: StorageBackend,
  handle: string,
  signal: AbortSignal | undefined,
  { run, toTheEnd }: { run: Run; toTheEnd: Run },
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController();
  const steps = new Steps();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const call = { signal: stop.signal, progress: () => steps.progress() };
  const parts = backend.read(handle, call)[Symbol.asyncIterator]();
  const next = steps.of(() => parts.next());
  let hangs = true;
  try {
    for (;;) {
      hangs = true;
      const part = await run(`read ${handle}`, handle, next);
      hangs = false;
      if (part.done) return;
      yield part.value;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (hangs) stop.abort();
    const end = Promise.resolve(parts.return?.());
    if (hangs) end.catch(() => undefined);
    else await toTheEnd(`close ${handle}`, handle, () => end);
  }
}
