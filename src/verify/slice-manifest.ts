import {
  AptosDataError,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  MAX_MANIFEST_BYTES,
  SPARSE_MERKLE_PLACEHOLDER,
  type StateSnapshotManifest,
  toHex,
  type TransactionManifest,
} from '../aptos/index.js';
import type { Span } from '../lib/spans.js';
import type { UnitSlice, VerifyTask } from '../contract/verification.js';
import { requireOwnFields } from './own-fields.js';
import type { RecordTools } from './stored-records.js';

/**
 * The decoded manifest of a slice, and its size in bytes. A slice decodes its manifest once: with a hundred thousand
 * chunks that takes seconds.
 */
export type SliceManifest = { bytes: number } & (
  | { kind: 'transactions'; manifest: TransactionManifest }
  | { kind: 'state_snapshot'; manifest: StateSnapshotManifest }
);

/** Reads and checks the manifest of a slice (docs/formats.md, Files). @throws AptosDataError, StorageError */
export async function readSliceManifest(
  { storage }: RecordTools,
  kind: Exclude<VerifyTask['kind'], 'epoch_endings'>,
  slice: UnitSlice,
): Promise<SliceManifest> {
  const content = await storage.readAll(slice.manifest, MAX_MANIFEST_BYTES);
  const bytes = content.length;
  if (kind === 'transactions') {
    const manifest = decodeTransactionManifest(content);
    requireOwnFields(manifest, true);
    requireAsPlanned(manifest.chunks.length, slice);
    return { bytes, kind, manifest };
  }
  const manifest = decodeStateSnapshotManifest(content);
  requireOwnFields(manifest, true);
  requireStructure(manifest);
  requireAsPlanned(manifest.chunks.length, slice);
  return { bytes, kind, manifest };
}

/**
 * The handles of all files that the proof of a slice rests on, but the metadata file: only what its line says counts,
 * because a compaction puts lines into other files.
 */
export function filesOf(named: SliceManifest, slice: UnitSlice): string[] {
  const { manifest, from, to } = slice;
  if (named.kind === 'transactions') {
    const chunks = named.manifest.chunks.slice(from, to);
    return [manifest, ...chunks.flatMap((c) => [c.transactions, c.proof])];
  }
  // The check of the first chunk needs the proof file of the chunk before it.
  const chunks = named.manifest.chunks.slice(Math.max(0, from - 1), to);
  return [manifest, named.manifest.proof, ...chunks.flatMap((c) => [c.blobs, c.proof])];
}

/**
 * The versions that a slice of transactions should hold. When the manifest cannot be read or has another range,
 * that is the whole range in the metadata line.
 */
export function versionsOf(named: SliceManifest | undefined, slice: UnitSlice): Span[] {
  const said = { first: BigInt(slice.first), last: BigInt(slice.last) };
  if (named?.kind !== 'transactions') return [said];
  const { firstVersion, lastVersion } = named.manifest;
  if (firstVersion !== said.first || lastVersion !== said.last) return [said];
  const chunks = named.manifest.chunks.slice(slice.from, slice.to);
  return chunks.map(({ firstVersion, lastVersion }) => ({
    first: firstVersion,
    last: lastVersion,
  }));
}

/** The manifest must have as many chunks as when the tasks were planned: no task would check additional ones. */
function requireAsPlanned(chunks: number, { of }: UnitSlice): void {
  if (chunks === of) return;
  const why = `it names ${chunks} chunks; when it was planned to be verified, ${of}`;
  throw new AptosDataError('MANIFEST_INVALID', why);
}

/** @throws AptosDataError when indexes have gaps or overlaps, or when a state that is not empty has no chunks */
function requireStructure({ chunks, rootHash }: StateSnapshotManifest): void {
  let next = 0n;
  for (const { firstIdx, lastIdx } of chunks) {
    if (firstIdx !== next || lastIdx < firstIdx) {
      throw new AptosDataError(
        'MANIFEST_INVALID',
        `its chunk ${firstIdx} to ${lastIdx} does not follow the one before, which ends at ${next - 1n}`,
      );
    }
    next = lastIdx + 1n;
  }
  if (chunks.length === 0 && rootHash !== toHex(SPARSE_MERKLE_PLACEHOLDER)) {
    throw new AptosDataError('MANIFEST_INVALID', 'it names no chunks, but its state is not empty');
  }
}
