/**
 * Whether the next record starts a new chunk file (docs/formats.md, Files): the file is not empty, and the record
 * with its four bytes of length would make it larger than the limit. A record above the limit gets its own file.
 */
export function cutsBefore(
  chunkLength: number,
  recordLength: number,
  maxChunkSize: number,
): boolean {
  return chunkLength > 0 && chunkLength + recordLength + 4 > maxChunkSize;
}
