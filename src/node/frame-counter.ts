/**
 * Counts the whole records in a stream by their length prefixes (u32, big-endian; docs/formats.md, Records). Copies
 * nothing. Notices a length above the limit before anybody reserves memory for the record.
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

  /** Whether the bytes so far end with a whole record. */
  get atBoundary(): boolean {
    return this.prefixBytes === 0;
  }

  /** Takes the next bytes. Returns the length in a prefix if it is above the limit, else undefined. */
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
