import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodeMetadataLine,
  encodeStateSnapshotManifest,
  metadataFileName,
} from '../../src/aptos/index.js';

const CHUNK_BYTES = 134_217_728n;

/** Metadata line and manifest of a snapshot with so many chunks, none of which is stored. */
export function writeLargeSnapshot(folder: string, chunks: number): string {
  const name = 'state_epoch_9_ver_4000000000.0000';
  const manifest = `${name}/state.manifest`;
  const key = (i: number) => i.toString(16).padStart(64, '0');
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(
    join(folder, manifest),
    encodeStateSnapshotManifest({
      version: 4_000_000_000n,
      epoch: 9n,
      rootHash: key(0),
      chunks: Array.from({ length: chunks }, (_, i) => ({
        firstIdx: BigInt(i),
        lastIdx: BigInt(i),
        firstKey: key(i + 1),
        lastKey: key(i + 1),
        blobs: `${name}/${i}-.chunk`,
        proof: `${name}/${i}-${i}.proof`,
        extra: { bytes: CHUNK_BYTES, sha256: key(i), proof_sha256: key(i), proven: 'signed' },
      })),
      proof: `${name}/state.proof`,
      extra: { proven: 'signed' },
    }),
  );
  const line = {
    type: 'StateSnapshotBackup' as const,
    ...{ epoch: 9n, version: 4_000_000_000n, manifest },
  };
  mkdirSync(join(folder, 'metadata'));
  const source = `metadata/${metadataFileName(line)}`;
  writeFileSync(join(folder, source), encodeMetadataLine(line));
  return manifest;
}
