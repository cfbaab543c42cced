/**
 * SHA3-256 over many slices of this module's memory, two messages at a time: a v128 register holds
 * the same 64-bit lane of two Keccak states. Each of the two columns takes the next message as soon
 * as its own is done, so messages of unlike length cost no idle permutations. The lanes live in
 * memory: keeping 25 of them in locals makes engines spill them anyway, at a varying price.
 *
 * AssemblyScript, built to hash/sha3-batch.wasm; batch-hasher.ts says what callers may rely on.
 */

const RATE: usize = 136;
const RATE_LANES: usize = 17;
const DIGEST: usize = 32;

// The states stay clear of the compiler's own data, which begins at 1024.
const EVEN = memory.data(25 * 16, 16);
const ODD = memory.data(25 * 16, 16);
const ROUND_CONSTANTS = memory.data<u64>([
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
  0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
  0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
  0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
  0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]);

/** First byte of memory that callers may use. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Hashes `prefix` (32 bytes) followed by each message. `table` has two u32 per message.
 * Slices: address and length. Writes digest i to `out + i * stride`. Input must be readable 8 bytes
 * past its end.
 */
export function hashSlices(prefix: usize, table: usize, count: u32, out: usize, stride: u32): void {
  let next: u32 = 0;
  let idA: i32 = -1, ptrA: usize = 0, endA: usize = 0;
  let idB: i32 = -1, ptrB: usize = 0, endB: usize = 0;
  for (;;) {
    const freshA = idA < 0 && next < count;
    if (freshA) {
      idA = next++;
      ptrA = load<u32>(table + (<usize>idA << 3));
      endA = ptrA + load<u32>(table + (<usize>idA << 3), 4);
      clear(0);
    }
    const freshB = idB < 0 && next < count;
    if (freshB) {
      idB = next++;
      ptrB = load<u32>(table + (<usize>idB << 3));
      endB = ptrB + load<u32>(table + (<usize>idB << 3), 4);
      clear(8);
    }
    if (idA < 0 && idB < 0) return;
    let doneA = false, doneB = false;
    if (idA >= 0) {
      const from: usize = freshA ? absorbPrefix(0, prefix) : 0;
      doneA = endA - ptrA < RATE - (from << 3);
      absorb(0, from, ptrA, endA);
      ptrA += RATE - (from << 3);
    }
    if (idB >= 0) {
      const from: usize = freshB ? absorbPrefix(8, prefix) : 0;
      doneB = endB - ptrB < RATE - (from << 3);
      absorb(8, from, ptrB, endB);
      ptrB += RATE - (from << 3);
    }
    permute();
    if (doneA) {
      squeeze(0, out + <usize>idA * stride);
      idA = -1;
    }
    if (doneB) {
      squeeze(8, out + <usize>idB * stride);
      idB = -1;
    }
  }
}

/**
 * Hashes `prefix` followed by two 32-byte values, wherever each lies: `table` has the addresses of
 * left and right. One permutation each.
 */
export function hashPairs(prefix: usize, table: usize, count: u32, out: usize, stride: u32): void {
  for (let i: u32 = 0; i < count; i += 2) {
    const two = i + 1 < count;
    const a = table + (<usize>i << 3);
    const b = two ? a + 8 : a;
    fill(0, prefix, prefix);
    fill(4, load<u32>(a), load<u32>(b));
    fill(8, load<u32>(a, 4), load<u32>(b, 4));
    v128.store(EVEN + (12 << 4), i64x2.splat(0x06));
    for (let lane: usize = 13; lane < 25; lane++) v128.store(EVEN + (lane << 4), i64x2.splat(0));
    v128.store(EVEN + (16 << 4), i64x2.splat(0x8000000000000000));
    permute();
    squeeze(0, out + <usize>i * stride);
    if (two) squeeze(8, out + <usize>(i + 1) * stride);
  }
}

/** Four lanes from 32 bytes of either column. */
// @ts-expect-error: decorator of AssemblyScript
@inline
function fill(lane: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    const at = EVEN + ((lane + i) << 4);
    store<u64>(at, load<u64>(a + (i << 3)));
    store<u64>(at, load<u64>(b + (i << 3)), 8);
  }
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function clear(column: usize): void {
  for (let lane: usize = 0; lane < 25; lane++) store<u64>(EVEN + column + (lane << 4), 0);
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function absorbPrefix(column: usize, prefix: usize): usize {
  for (let lane: usize = 0; lane < 4; lane++) {
    store<u64>(EVEN + column + (lane << 4), load<u64>(prefix + (lane << 3)));
  }
  return 4;
}

/** XORs the next block of a message into a column, with the padding where the message ends in it. */
// @ts-expect-error: decorator of AssemblyScript
@inline
function absorb(column: usize, firstLane: usize, ptr: usize, end: usize): void {
  let at = EVEN + column + (firstLane << 4);
  const room = RATE - (firstLane << 3);
  const left = end - ptr;
  if (left >= room) {
    for (let lane = firstLane; lane < RATE_LANES; lane++) {
      store<u64>(at, load<u64>(at) ^ load<u64>(ptr));
      at += 16;
      ptr += 8;
    }
    return;
  }
  const whole = left >> 3;
  for (let i: usize = 0; i < whole; i++) {
    store<u64>(at, load<u64>(at) ^ load<u64>(ptr));
    at += 16;
    ptr += 8;
  }
  const bits: u64 = (<u64>left & 7) << 3;
  const mask: u64 = (<u64>1 << bits) - 1;
  store<u64>(at, load<u64>(at) ^ (load<u64>(ptr) & mask) ^ (<u64>0x06 << bits));
  const last = EVEN + column + ((RATE_LANES - 1) << 4);
  store<u64>(last, load<u64>(last) ^ 0x8000000000000000);
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function squeeze(column: usize, out: usize): void {
  for (let lane: usize = 0; lane < DIGEST >> 3; lane++) {
    store<u64>(out + (lane << 3), load<u64>(EVEN + column + (lane << 4)));
  }
}

/** Keccak-f[1600]; two rounds per turn, so that each reads one state and writes the other. */
function permute(): void {
  for (let i: usize = 0; i < 24; i += 2) {
    round(EVEN, ODD, load<u64>(ROUND_CONSTANTS + (i << 3)));
    round(ODD, EVEN, load<u64>(ROUND_CONSTANTS + (i << 3), 8));
  }
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function round(from: usize, to: usize, constant: u64): void {
  const c0 = column(from, 0), c1 = column(from, 1), c2 = column(from, 2);
  const c3 = column(from, 3), c4 = column(from, 4);
  const d0 = v128.xor(c4, rotate(c1, 1));
  const d1 = v128.xor(c0, rotate(c2, 1));
  const d2 = v128.xor(c1, rotate(c3, 1));
  const d3 = v128.xor(c2, rotate(c4, 1));
  const d4 = v128.xor(c3, rotate(c0, 1));
  row(to, 0, lane(from, 0, d0), turned(from, 6, d1, 44), turned(from, 12, d2, 43), turned(from, 18, d3, 21), turned(from, 24, d4, 14));
  v128.store(to, v128.xor(v128.load(to), i64x2.splat(constant)));
  row(to, 5, turned(from, 3, d3, 28), turned(from, 9, d4, 20), turned(from, 10, d0, 3), turned(from, 16, d1, 45), turned(from, 22, d2, 61));
  row(to, 10, turned(from, 1, d1, 1), turned(from, 7, d2, 6), turned(from, 13, d3, 25), turned(from, 19, d4, 8), turned(from, 20, d0, 18));
  row(to, 15, turned(from, 4, d4, 27), turned(from, 5, d0, 36), turned(from, 11, d1, 10), turned(from, 17, d2, 15), turned(from, 23, d3, 56));
  row(to, 20, turned(from, 2, d2, 62), turned(from, 8, d3, 55), turned(from, 14, d4, 39), turned(from, 15, d0, 41), turned(from, 21, d1, 2));
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function column(from: usize, x: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(from + (x << 4)), v128.load(from + ((x + 5) << 4))),
    v128.xor(
      v128.xor(v128.load(from + ((x + 10) << 4)), v128.load(from + ((x + 15) << 4))),
      v128.load(from + ((x + 20) << 4)),
    ),
  );
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function lane(from: usize, index: usize, d: v128): v128 {
  return v128.xor(v128.load(from + (index << 4)), d);
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function turned(from: usize, index: usize, d: v128, bits: i32): v128 {
  return rotate(v128.xor(v128.load(from + (index << 4)), d), bits);
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function rotate(value: v128, bits: i32): v128 {
  return v128.or(i64x2.shl(value, bits), i64x2.shr_u(value, 64 - bits));
}

// @ts-expect-error: decorator of AssemblyScript
@inline
function row(to: usize, first: usize, a: v128, b: v128, c: v128, d: v128, e: v128): void {
  v128.store(to + (first << 4), v128.xor(a, v128.andnot(c, b)));
  v128.store(to + ((first + 1) << 4), v128.xor(b, v128.andnot(d, c)));
  v128.store(to + ((first + 2) << 4), v128.xor(c, v128.andnot(e, d)));
  v128.store(to + ((first + 3) << 4), v128.xor(d, v128.andnot(a, e)));
  v128.store(to + ((first + 4) << 4), v128.xor(e, v128.andnot(b, a)));
}
