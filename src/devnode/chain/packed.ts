const SEGMENT_BYTES = 16 * 1024 * 1024;

/** Stores many byte strings in a few large buffers, so that a million records do not need a million objects. */
export class PackedStrings {
  private readonly segments: Buffer[] = [];
  private used = SEGMENT_BYTES;
  private starts = new Float64Array(1024);
  private lengths = new Uint32Array(1024);
  count = 0;

  /** Adds a string and returns its index. */
  append(bytes: Uint8Array): number {
    if (this.used + bytes.length > SEGMENT_BYTES) {
      this.segments.push(Buffer.allocUnsafe(Math.max(SEGMENT_BYTES, bytes.length)));
      this.used = 0;
    }
    if (this.count === this.starts.length) {
      this.starts = grown(this.starts, new Float64Array(this.count * 2));
      this.lengths = grown(this.lengths, new Uint32Array(this.count * 2));
    }
    const segment = this.segments.length - 1;
    this.segments[segment]!.set(bytes, this.used);
    this.starts[this.count] = segment * 2 ** 32 + this.used;
    this.lengths[this.count] = bytes.length;
    this.used += bytes.length;
    this.count += 1;
    return this.count - 1;
  }

  at(index: number): Buffer {
    const start = this.starts[index]!;
    const from = start % 2 ** 32;
    const segment = this.segments[(start - from) / 2 ** 32]!;
    return segment.subarray(from, from + this.lengths[index]!);
  }

  /**
   * Strings [from, to) in the parts in which the real service flushes them. A part ends with the string that
   * brings it to `flushBytes` or more. Each part is one buffer.
   */
  *parts(from: number, to: number, flushBytes: number): Generator<Buffer> {
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    let first = from;
    for (let i = from; i < to; i += 1) {
      const next = this.starts[i]! + this.lengths[i]!;
      const contiguous = i + 1 < to && this.starts[i + 1] === next;
      const run = next - this.starts[first]!;
      const flush = pendingBytes + run >= flushBytes;
      if (contiguous && !flush) continue;
      const start = this.starts[first]! % 2 ** 32;
      const segment = this.segments[(this.starts[first]! - start) / 2 ** 32]!;
      const part = segment.subarray(start, start + run);
      pending.push(part);
      pendingBytes += run;
      first = i + 1;
      if (flush || i + 1 === to) {
        yield pending.length === 1 ? part : Buffer.concat(pending);
        pending = [];
        pendingBytes = 0;
      }
    }
  }
}

function grown<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
