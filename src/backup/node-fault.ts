import { shorten } from '../plan/shorten.js';

/** What went wrong with a node, as opposed to a storage, a thread or us. */
export interface NodeFault {
  code: string;
  /** What it sent fails its proof, or it is of another chain: not to be asked again for long. */
  lie: boolean;
  why: string;
}

const LIES = new Set(['NODE_LIED', 'HISTORY_UNSIGNED', 'CHAIN_MISMATCH']);
/** Another node may have it, or have it in a form that can be proven. */
const LACKS = new Set(['NODE_BEHIND', 'NODE_PRUNED', 'UNSUPPORTED']);
/** Codes of data errors that are about files of a storage, or given by a person. */
const NOT_SENT = new Set([
  'MANIFEST_INVALID',
  'METADATA_INVALID',
  'JSON_INVALID',
  'GENESIS_INVALID',
]);
/** It travels in heartbeats and results. */
const MOST_WHY = 300;

/**
 * Whether an error counts against the node that was asked. Errors that came out of a thread have lost
 * their class and kept name and code, so these decide.
 */
export function nodeFault(error: unknown): NodeFault | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, retryable } = error as { code?: unknown; retryable?: unknown };
  if (typeof code !== 'string') return undefined;
  const fault = (lie: boolean) => ({ code, lie, why: shorten(error.message, MOST_WHY) });
  switch (error.name) {
    case 'NodeError':
      return fault(code === 'NODE_CONTRADICTED');
    case 'AptosDataError':
      return NOT_SENT.has(code) ? undefined : fault(code !== 'UNSUPPORTED');
    case 'BackupError':
      // One that no retry helps against is not the fault of this node alone.
      if (retryable === false) return undefined;
      if (LIES.has(code)) return fault(true);
      return LACKS.has(code) ? fault(false) : undefined;
    default:
      return undefined;
  }
}
