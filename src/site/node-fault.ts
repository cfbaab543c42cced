import { type ErrorCode, codeOf, entryOf } from '../errors/catalogue.js';
import { shorten } from '../lib/shorten.js';

/** An error that is the fault of a node, not of a storage, a thread or our own code. */
export interface NodeFault {
  code: ErrorCode;
  /** The node sent data that fails its proof, or it is of another chain. Such a node rests for long. */
  lie: boolean;
  why: string;
}

/** Longest reason, in characters: it is part of heartbeats and results. */
const MOST_WHY = 300;

/**
 * The faults that turn out to be lies, once another node of the same genesis has served a signed history: then an
 * unsigned history is not the history of this chain. Before that, it may be the history of a migrated chain
 * (docs/formats.md, Trust).
 */
export function disproved<F extends NodeFault>(faults: readonly F[]): F[] {
  return faults.filter(({ code }) => code === 'HISTORY_UNSIGNED');
}

/**
 * Returns the fault if an error is the fault of the node that was asked, else undefined. The catalogue says which
 * rest its code costs.
 */
export function nodeFault(error: unknown): NodeFault | undefined {
  const code = codeOf(error);
  const rest = code && entryOf(code).rest;
  if (!code || !rest) return undefined;
  return { code, lie: rest === 'lie', why: shorten((error as Error).message, MOST_WHY) };
}
