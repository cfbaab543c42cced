const LOOK_MS = 5_000;
const MOST_SILENT_LOOKS = 4;

/** Who should speak every second or two and says nothing for so long is stuck. */
const LONGEST_SILENCE_S = (LOOK_MS * MOST_SILENT_LOOKS) / 1000;

/**
 * Calls `onSilent`, once, with the seconds for which nothing was heard: 20, and `firstWordSeconds` before the first word. Counted in looks: a host that was suspended wakes up with late clocks.
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
