import { AptosDataError } from '../aptos/errors.js';
import {
  MAX_MANIFEST_BYTES,
  type StateSnapshotManifest,
  type TransactionManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
} from '../aptos/files/manifest.js';
import { SPARSE_MERKLE_PLACEHOLDER } from '../aptos/hash/seeds.js';
import { toHex } from '../aptos/hex.js';
import type { UnitSlice, VerifyTask } from '../plan/verify.js';
import type { CheckTools } from './stored-records.js';

/** The manifest of a slice: decoded once, as one of a hundred thousand chunks takes seconds. */
export type SliceManifest = { bytes: number } & (
  | { kind: 'transactions'; manifest: TransactionManifest }
  | { kind: 'state_snapshot'; manifest: StateSnapshotManifest }
);

/** @throws AptosDataError, StorageError */
export async function readSliceManifest(
  { storage, signal }: CheckTools,
  kind: Exclude<VerifyTask['kind'], 'epoch_endings'>,
  slice: UnitSlice,
): Promise<SliceManifest> {
  const content = await storage.readAll(slice.manifest, MAX_MANIFEST_BYTES, signal);
  const bytes = content.length;
  if (kind === 'transactions') {
    const manifest = decodeTransactionManifest(content);
    requireAsPlanned(manifest.chunks.length, slice);
    return { bytes, kind, manifest };
  }
  const manifest = decodeStateSnapshotManifest(content);
  requireStructure(manifest);
  requireAsPlanned(manifest.chunks.length, slice);
  return { bytes, kind, manifest };
}

/** All files that a slice's proof rests on. */
export function filesOf(named: SliceManifest, slice: UnitSlice): string[] {
  const { source, manifest, from, to } = slice;
  if (named.kind === 'transactions') {
    const chunks = named.manifest.chunks.slice(from, to);
    return [source, manifest, ...chunks.flatMap((c) => [c.transactions, c.proof])];
  }
  // The proof of the chunk before a slice tells what lies before it.
  const chunks = named.manifest.chunks.slice(Math.max(0, from - 1), to);
  return [source, manifest, named.manifest.proof, ...chunks.flatMap((c) => [c.blobs, c.proof])];
}

/** Chunks that nobody planned for would be checked by nobody. */
function requireAsPlanned(chunks: number, { of }: UnitSlice): void {
  if (chunks === of) return;
  const why = `it names ${chunks} chunks; when it was planned to be verified, ${of}`;
  throw new AptosDataError('MANIFEST_INVALID', why);
}

/** @throws AptosDataError for indexes with gaps or overlaps, and for an emptied list */
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
