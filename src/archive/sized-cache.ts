interface Entry<V> {
  value: Promise<V>;
  bytes: number;
}

/**
 * Keeps what was read or computed, up to a number of bytes; what was not used for longest goes first. Whoever asks for
 * a value that is being made waits for it. A failure is not kept.
 */
export class SizedCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private used = 0;

  constructor(private readonly most: number) {}

  get(key: string, make: () => Promise<{ value: V; bytes: number }>): Promise<V> {
    const known = this.entries.get(key);
    if (known) {
      this.entries.delete(key);
      this.entries.set(key, known);
      return known.value;
    }
    const made = make();
    const entry: Entry<V> = { value: made.then(({ value }) => value), bytes: 0 };
    this.entries.set(key, entry);
    made.then(
      ({ bytes }) => {
        if (this.entries.get(key) !== entry) return; // forgotten meanwhile
        entry.bytes = bytes;
        this.used += bytes;
        this.shrink(key);
      },
      () => this.remove(key, entry),
    );
    return entry.value;
  }

  forget(key: string): void {
    const entry = this.entries.get(key);
    if (entry) this.remove(key, entry);
  }

  private shrink(newest: string): void {
    for (const [key, entry] of this.entries) {
      if (this.used <= this.most) return;
      if (key !== newest && entry.bytes > 0) this.remove(key, entry);
    }
  }

  private remove(key: string, entry: Entry<V>): void {
    if (this.entries.get(key) !== entry) return;
    this.entries.delete(key);
    this.used -= entry.bytes;
  }
}
