const PAGE = 65_536;

/** Allocates named parts of a memory that grows at its end. */
export class Regions {
  private readonly parts = new Map<string, { at: number; bytes: number }>();

  constructor(private end: number) {}

  /**
   * The address of a part with at least `bytes` bytes.
   * @param reserve makes the memory at least so large
   * @param copy copies the content of a part to its new, larger place
   */
  get(
    name: string,
    bytes: number,
    reserve: (end: number) => void,
    copy: (to: number, from: number, bytes: number) => void,
  ): number {
    const known = this.parts.get(name);
    if (known && known.bytes >= bytes) return known.at;
    // A part that grows gets at least twice its size. So old places together waste less than the part uses now.
    const size = Math.ceil(Math.max(bytes, (known?.bytes ?? 0) * 2) / PAGE) * PAGE;
    const at = this.end;
    reserve(at + size + PAGE); // hashing may read a few bytes past the end
    this.end = at + size;
    if (known) copy(at, known.at, known.bytes);
    this.parts.set(name, { at, bytes: size });
    return at;
  }
}
