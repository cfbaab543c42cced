import type { TextSpan } from './coordinator-state.js';
import type { Piece } from './verification.js';
import type { Finding } from './answers/verify-answers.js';

/**
 * Joins runs of transactions that follow each other. The run after an unproven run proves it, because its
 * in-frontier commits to everything below (docs/formats.md, Trust). Neighbours whose frontiers differ
 * become findings and are listed in `unfit`. Overlaps are left to the check of the metadata. The order in
 * which parts are joined does not matter.
 */
export function joinPieces(all: readonly Piece[]): {
  pieces: Piece[];
  findings: Finding[];
  unfit: TextSpan[];
} {
  const sorted = [...all].sort((a, b) => (BigInt(a.first) < BigInt(b.first) ? -1 : 1));
  const pieces: Piece[] = [];
  const findings: Finding[] = [];
  const unfit: TextSpan[] = [];
  for (const piece of sorted) {
    const before = pieces.at(-1);
    if (before && BigInt(piece.last) <= BigInt(before.last)) continue; // another copy
    if (before && touches(before, piece) && before.outFrontier !== piece.inFrontier) {
      const why = `it does not follow ${before.tail}: it continues another history than the one stored before version ${piece.first}`;
      findings.push({ object: piece.head, code: 'DAMAGED', why });
      unfit.push({ first: piece.first, last: piece.last });
    }
    pieces.push(piece);
    collapse(pieces);
  }
  return { pieces, findings, unfit };
}

/** Joins the last runs of a list, as long as they fit. */
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
  // Signed history stays signed, whatever the run after it is.
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
