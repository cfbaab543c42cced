/** Bit `index` of a key hash; bit 0 is the most significant of the first byte. */
export function bitAt(key: Uint8Array, index: number): 0 | 1 {
  return ((key[index >> 3]! >> (7 - (index & 7))) & 1) as 0 | 1;
}

/** How many leading bits two 32-byte keys share; 256 when they are equal. `aAt` and `bAt` are their offsets. */
export function commonPrefix(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < 32; i += 1) {
    const difference = a[aAt + i]! ^ b[bAt + i]!;
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24;
  }
  return 256;
}

/** Positions of the zero bits of a key, ascending. */
export function zeroBits(key: Uint8Array): number[] {
  const positions: number[] = [];
  for (let i = 0; i < 256; i += 1) if (bitAt(key, i) === 0) positions.push(i);
  return positions;
}
