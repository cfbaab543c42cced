const LOOK_MS = 5_000;
const MOST_SILENT_LOOKS = 4;

/** A process or thread that should report every second or two and is silent for so long is stuck. */
const LONGEST_SILENCE_S = (LOOK_MS * MOST_SILENT_LOOKS) / 1000;

/**
 * Calls `onSilent` once when nothing was heard for 20 seconds, or for `firstWordSeconds` before the first message.
 * Passes that number of seconds. It counts timer ticks and not clock time, because a host that was suspended
 * wakes up with a clock that has jumped.
 */
export function watchForSilence(
  onSilent: (seconds: number) => void,
  firstWordSeconds: number,
): { heard(): void; stop(): void } {
  let limit = firstWordSeconds;
  let left = (limit * 1000) / LOOK_MS;
  const looking = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(looking);
    onSilent(limit);
  }, LOOK_MS);
  return {
    heard() {
      limit = LONGEST_SILENCE_S;
      left = MOST_SILENT_LOOKS;
    },
    stop() {
      clearInterval(looking);
    },
  };
}
