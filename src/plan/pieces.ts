import type { Finding, Piece } from './verify.js';

/**
 * Joins runs of transactions that lead into each other. What is not yet proven is proven by the run
 * that follows, because its in-frontier commits to everything below (docs/formats.md, Trust). Runs
 * that touch but do not fit are told; runs that overlap are left to the metadata. Associative: parts
 * may be joined in any order.
 */
export function joinPieces(all: readonly Piece[]): { pieces: Piece[]; findings: Finding[] } {
  const sorted = [...all].sort((a, b) => (BigInt(a.first) < BigInt(b.first) ? -1 : 1));
  const pieces: Piece[] = [];
  const findings: Finding[] = [];
  for (const piece of sorted) {
    const before = pieces.at(-1);
    if (before && BigInt(piece.last) <= BigInt(before.last)) continue; // another copy
    if (before && touches(before, piece) && before.outFrontier !== piece.inFrontier) {
      const why = `it does not follow ${before.tail}: the history before version ${piece.first} is another`;
      findings.push({ object: piece.head, code: 'DAMAGED', why });
    }
    pieces.push(piece);
    collapse(pieces);
  }
  return { pieces, findings };
}

/** Joins the last runs of a list as far as they go. */
function collapse(pieces: Piece[]): void {
  for (;;) {
    const [before, after] = pieces.slice(-2);
    const joined = before && after && join(before, after);
    if (!joined) return;
    pieces.splice(-2, 2, joined);
  }
}

function join(before: Piece, after: Piece): Piece | undefined {
  if (!touches(before, after) || before.outFrontier !== after.inFrontier) return undefined;
  const open = (piece: Piece) => piece.proven === 'not yet proven';
  if (open(after) && !open(before)) return undefined;
  // Signed history counts as signed, whatever else is chained to it.
  const proven = before.proven === 'signed' ? before.proven : after.proven;
  return {
    first: before.first,
    last: after.last,
    inFrontier: before.inFrontier,
    outFrontier: after.outFrontier,
    proven,
    head: before.head,
    tail: after.tail,
  };
}

function touches(before: Piece, after: Piece): boolean {
  return BigInt(after.first) === BigInt(before.last) + 1n;
}
