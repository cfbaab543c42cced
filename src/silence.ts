const LOOK_MS = 5_000;
const MOST_SILENT_LOOKS = 4;

/** Who should speak every second or two and says nothing for so long is stuck. */
export const LONGEST_SILENCE_S = (LOOK_MS * MOST_SILENT_LOOKS) / 1000;

/**
 * Calls `onSilent`, once, when nothing was heard for 20 seconds; before the first word for
 * `firstWordSeconds`. Counted in looks: a host that was suspended wakes up with late clocks.
 */
export function watchForSilence(
  onSilent: () => void,
  firstWordSeconds = LONGEST_SILENCE_S,
): { heard(): void; stop(): void } {
  let left = (firstWordSeconds * 1000) / LOOK_MS;
  const looking = setInterval(() => {
    left -= 1;
    if (left > 0) return;
    clearInterval(looking);
    onSilent();
  }, LOOK_MS);
  return {
    heard() {
      left = MOST_SILENT_LOOKS;
    },
    stop() {
      clearInterval(looking);
    },
  };
}
