import { bytes, duration } from '../monitor/format.js';

const BAR = 24;
/** Before so much was gained, an estimate of the rest would jump. */
const LEAST_GAIN = 0.005;

/** How fast something goes, from what was seen since the first look: an earlier run may have done a part. */
export class Pace {
  private first: { at: number; bytes: number; share: number } | undefined;

  /** The speed and the time that is left, in words; `share` is from 0 to 1. */
  describe(share: number, bytesDone: number): string[] {
    const now = performance.now();
    this.first ??= { at: now, bytes: bytesDone, share };
    const seconds = (now - this.first.at) / 1000;
    const rate = seconds > 0 ? (bytesDone - this.first.bytes) / seconds : 0;
    const gained = share - this.first.share;
    const eta = gained > LEAST_GAIN && share < 1 ? (seconds / gained) * (1 - share) : undefined;
    return [
      ...(rate > 0 ? [`${bytes(rate)}/s`] : []),
      ...(eta === undefined ? [] : [`ETA ${duration(eta)}`]),
    ];
  }
}

/** A bar, and the percentage. */
export function bar(share: number): string {
  return `[${'#'.repeat(Math.round(share * BAR)).padEnd(BAR, '.')}] ${(share * 100).toFixed(0)} %`;
}
