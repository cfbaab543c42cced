/** A small random generator with a seed: the same seed gives the same chain on every machine. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed ^ 0x9e3779b9) >>> 0;
  }

  /** A whole number from 0 to 2^32-1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  bytes(length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(Math.ceil(length / 4) * 4);
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32BE(this.next(), i);
    return bytes.subarray(0, length);
  }
}
