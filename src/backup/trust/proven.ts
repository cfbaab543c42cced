import type { Proven } from '../../plan/unit.js';

/** How a whole is proven whose parts are proven so: by its weakest part. */
export function leastProven(parts: readonly Proven[]): Proven {
  if (parts.includes('not yet proven')) return 'not yet proven';
  return parts.find((part) => part === 'signed') ?? parts.at(-1) ?? 'not yet proven';
}

/** One transaction chunk, as far as chaining is concerned. */
export interface ChainLink {
  proven: Proven;
  inFrontier: string | undefined;
  outFrontier: string | undefined;
}

/**
 * What the chunks after it say about a chunk: when a chunk is proven, its in-frontier is too, and so
 * is the chunk before that ends in it (docs/formats.md, Trust). Links are in version order.
 */
export function chainProofs(links: readonly ChainLink[]): Proven[] {
  const proven = links.map((link) => link.proven);
  for (let i = links.length - 2; i >= 0; i -= 1) {
    const after = proven[i + 1]!;
    if (proven[i] === 'not yet proven' && after !== 'not yet proven') {
      proven[i] = after;
    }
  }
  return proven;
}
