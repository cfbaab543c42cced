import type { Proven } from '../../plan/unit.js';

/** How a whole is proven whose parts are proven so: by its weakest part. */
export function leastProven(parts: readonly Proven[]): Proven {
  if (parts.includes('not yet proven')) return 'not yet proven';
  return parts.find((part) => part === 'signed') ?? parts.at(-1) ?? 'not yet proven';
}

/**
 * What the chunks after it say about a chunk: when a chunk is proven, its in-frontier is too, and so
 * is the chunk before that ends in it (docs/formats.md, Trust). For neighbouring chunks in version
 * order whose frontiers are known to fit.
 */
export function chainProofs(chunks: readonly Proven[]): Proven[] {
  const proven = [...chunks];
  for (let i = proven.length - 2; i >= 0; i -= 1) {
    if (proven[i] === 'not yet proven') proven[i] = proven[i + 1]!;
  }
  return proven;
}
