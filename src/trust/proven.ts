import type { Proven } from '../contract/unit.js';

/** How a backup is proven: as its weakest part is. */
export function leastProven(parts: readonly Proven[]): Proven {
  if (parts.includes('not yet proven')) return 'not yet proven';
  return parts.find((part) => part === 'signed') ?? parts.at(-1) ?? 'not yet proven';
}

/**
 * How each chunk is proven, also by the chunks after it (docs/formats.md, Trust). A proof of a chunk proves its
 * in-frontier, and so the chunk before it. The chunks must be neighbours in version order, with frontiers that fit.
 */
export function chainProofs(chunks: readonly Proven[]): Proven[] {
  const proven = [...chunks];
  for (let i = proven.length - 2; i >= 0; i -= 1) {
    if (proven[i] === 'not yet proven') proven[i] = proven[i + 1]!;
  }
  return proven;
}
