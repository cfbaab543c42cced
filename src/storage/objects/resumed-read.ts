import type { Call } from '../backend.js';
import { type Patience, patiently, watched } from './patience.js';
import { type Asked, brokenOff, silentFor } from './request-faults.js';

/** The content of one answer, which may break off. */
export interface Content {
  next: () => Promise<IteratorResult<Buffer>>;
  destroy: () => void;
  /** Of the whole object. */
  bytes: number;
}

export interface ContentSource<C extends Content> {
  asked: Asked;
  patience: Patience;
  /** Asks once for the content from byte `reached` on. `before`: the answer that broke off. */
  open: (reached: number, before: C | undefined) => Promise<C>;
  /** Turns what broke an answer off into an error for people. */
  errorOf: (thrown: unknown) => Error;
}

/** The content of an object in parts. After an answer that broke off, the next one goes on from there. */
export async function* readResumed<C extends Content>(
  { asked, patience, open, errorOf }: ContentSource<C>,
  call: Call,
): AsyncGenerator<Uint8Array> {
  const { idleMs } = patience;
  const silent = () => silentFor(asked, idleMs);
  let content: C | undefined;
  let isOpen = false;
  let reached = 0;

  const nextPart = async () => {
    if (!content || !isOpen) content = await open(reached, content);
    isOpen = true;
    const { next, destroy, bytes } = content;
    try {
      // Up to its end, also after the last byte: else its connection is closed, and each file takes a new one.
      const part = await watched(call, idleMs, silent, next);
      if (part.done && reached === bytes) return undefined;
      if (part.done || reached + part.value.length > bytes) throw brokenOff(asked);
      reached += part.value.length;
      return part.value;
    } catch (error) {
      destroy();
      isOpen = false;
      call.signal.throwIfAborted();
      if (reached === bytes) return undefined; // only its end is missing
      throw errorOf(error);
    }
  };

  try {
    for (;;) {
      const part = await patiently(call, patience, nextPart);
      if (part === undefined) return;
      call.progress();
      yield part;
    }
  } finally {
    content?.destroy();
  }
}
