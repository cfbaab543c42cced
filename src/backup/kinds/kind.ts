import type { RecordBlock } from '../../aptos/records/framing.js';
import type { ChunkFacts, Receipt } from '../receipt.js';

/**
 * What differs between the three kinds of backup when a range of records becomes proven chunks.
 * One instance serves one range, inside one thread.
 */
export interface RecordKind {
  /** The node's records `first` to `first + count - 1`, framed. */
  stream(first: bigint, count: bigint, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Begins the chunk that starts at `first`; `before` is the chunk of the same range before it. */
  startChunk(first: bigint, before: Receipt | undefined, signal: AbortSignal): Promise<OpenChunk>;
}

/** A chunk while its records arrive. */
export interface OpenChunk {
  /** Checks records [from, to) of a block. @throws AptosDataError naming the record and what differs */
  add(block: RecordBlock, from: number, to: number): void | Promise<void>;
  /** The name its proof file gets when the chunk ends at `last`; undefined: this kind has none. */
  proofName(last: bigint): string | undefined;
  /** Asks the node for the bytes that prove the chunk. */
  fetchProof(last: bigint, signal: AbortSignal): Promise<Uint8Array>;
  /** Checks all records against the proof. May be called again with other bytes. */
  prove(last: bigint, proof: Uint8Array | undefined, signal: AbortSignal): Promise<ChunkFacts>;
}
