/**
 * Follows the length prefixes (u32, big-endian) of a stream of records without copying it: counts
 * whole records and notices a length above the limit before anybody stores it.
 */
export class FrameCounter {
  /** Whole records so far. */
  records = 0;
  /** All bytes so far. */
  bytes = 0;
  private prefixBytes = 0;
  private prefix = 0;
  private payloadLeft = 0;

  constructor(private readonly maxRecordBytes: number) {}

  /** Whether the stream stands between two records. */
  get atBoundary(): boolean {
    return this.prefixBytes === 0;
  }

  /** Takes more of the stream. Returns the length that a prefix claims when it is above the limit. */
  push(part: Uint8Array): number | undefined {
    let at = 0;
    while (at < part.length) {
      if (this.prefixBytes < 4) {
        this.prefix = this.prefix * 256 + part[at]!;
        this.prefixBytes += 1;
        at += 1;
        if (this.prefixBytes < 4) continue;
        if (this.prefix > this.maxRecordBytes) {
          this.bytes += at;
          return this.prefix;
        }
        this.payloadLeft = this.prefix;
      }
      const taken = Math.min(this.payloadLeft, part.length - at);
      this.payloadLeft -= taken;
      at += taken;
      if (this.payloadLeft === 0) {
        this.records += 1;
        this.prefixBytes = 0;
        this.prefix = 0;
      }
    }
    this.bytes += part.length;
    return undefined;
  }
}
