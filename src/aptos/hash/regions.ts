const PAGE = 65_536;

/** Hands out named parts of a memory that grows at its end. */
export class Regions {
  private readonly parts = new Map<string, { at: number; bytes: number }>();

  constructor(private end: number) {}

  /**
   * @param reserve makes sure the memory reaches so far
   * @param copy moves the content of a part that outgrew its place
   */
  get(
    name: string,
    bytes: number,
    reserve: (end: number) => void,
    copy: (to: number, from: number, bytes: number) => void,
  ): number {
    const known = this.parts.get(name);
    if (known && known.bytes >= bytes) return known.at;
    // Doubling keeps what outgrown places waste below what is in use.
    const size = Math.ceil(Math.max(bytes, (known?.bytes ?? 0) * 2) / PAGE) * PAGE;
    const at = this.end;
    reserve(at + size + PAGE); // hashing may read a few bytes past the end
    this.end = at + size;
    if (known) copy(at, known.at, known.bytes);
    this.parts.set(name, { at, bytes: size });
    return at;
  }
}
