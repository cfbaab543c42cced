import { cutsBefore } from '../files/chunking.js';
import type { RecordBlock } from './framing.js';

/**
 * The end of the records [from, result) of a block that still fit a chunk file of `length` bytes, by the stock rule
 * (docs/formats.md, Files); at most `to`.
 */
export function fittingRecords(
  block: RecordBlock,
  from: number,
  to: number,
  length: number,
  maxChunkSize: number,
): number {
  if (length + block.end(to - 1) - block.start(from) <= maxChunkSize) return to;
  let end = from;
  let bytes = length;
  while (end < to) {
    const frame = block.end(end) - block.start(end);
    if (cutsBefore(bytes, frame - 4, maxChunkSize)) break;
    bytes += frame;
    end += 1;
  }
  return end;
}
