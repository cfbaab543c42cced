export const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** Parses a u64 from JSON: a decimal string or a safe integer. Undefined for anything else. */
export function parseU64(value: unknown): bigint | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  }
  if (typeof value !== 'string' || !/^[0-9]{1,20}$/.test(value)) return undefined;
  const parsed = BigInt(value);
  return parsed <= MAX_U64 ? parsed : undefined;
}

/** Orders whole numbers, the smallest first. */
export function compareU64(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
