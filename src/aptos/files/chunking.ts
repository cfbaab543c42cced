/**
 * Whether a record starts a new chunk file: the file is not empty and the record's frame (four bytes
 * of length and the record) would carry it over the limit. A larger record gets a file of its own.
 */
export function cutsBefore(
  chunkLength: number,
  recordLength: number,
  maxChunkSize: number,
): boolean {
  return chunkLength > 0 && chunkLength + recordLength + 4 > maxChunkSize;
}
