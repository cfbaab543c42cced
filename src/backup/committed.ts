import { parseWaypoint } from '../aptos/chain/waypoint.js';
import { MAX_MANIFEST_BYTES, type Manifest, decodeManifest } from '../aptos/files/manifest.js';
import { parseMetadataFile } from '../aptos/files/metadata.js';
import { AptosDataError } from '../aptos/errors.js';
import { MAX_METADATA_BYTES } from '../catalog/catalog.js';
import type { BackupType } from '../plan/job.js';
import type { BackupResult } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { currentAnchor } from './chain-anchor.js';
import type { Site } from './site.js';
import { readIfPresent, readOwn } from './stored-file.js';

export type Wanted =
  | { type: 'epoch_ending' | 'transaction'; first: string; last: string }
  | { type: 'state_snapshot'; version: bigint };

/**
 * The backup of exactly this range that the storage already holds, ours or the stock tool's; then
 * there is nothing to do. Only the metadata file of the range's own name is looked at.
 */
export async function findCommitted(
  site: Site,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<BackupResult | undefined> {
  const name = `metadata/${
    wanted.type === 'state_snapshot'
      ? `state_snapshot_ver_${wanted.version}.meta`
      : `${wanted.type}_${wanted.first}-${wanted.last}.meta`
  }`;
  const bytes = await readOwn(site.storage, name, MAX_METADATA_BYTES, signal);
  if (!bytes) return undefined;
  for (const line of parseMetadataFile(bytes).lines) {
    if (!('manifest' in line)) continue;
    const content = await readIfPresent(site.storage, line.manifest, MAX_MANIFEST_BYTES, signal);
    const manifest = content && decodeIfValid(wanted.type, content);
    if (manifest) return describe(site, wanted, name, line.manifest, manifest);
  }
  return undefined;
}

function decodeIfValid(type: BackupType, content: Uint8Array): Manifest | undefined {
  try {
    return decodeManifest(type, content);
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

async function describe(
  site: Site,
  wanted: Wanted,
  metadata: string,
  manifestHandle: string,
  manifest: Manifest,
): Promise<BackupResult> {
  const { span, records, files } = contentOf(manifest);
  const proven = manifest.extra?.['proven'];
  return {
    type: wanted.type,
    backup: manifestHandle.slice(0, manifestHandle.lastIndexOf('/')),
    manifest: manifestHandle,
    metadata,
    ...span,
    records: `${records}`,
    chunks: files.length,
    bytes: await totalBytes(site.storage, files),
    proven: typeof proven === 'string' ? (proven as BackupResult['proven']) : 'not checked',
    anchor: currentAnchor(site),
    chunks_reused: files.length,
    already_committed: true,
  };
}

/** What a result says about a backup, from its manifest. */
function contentOf(manifest: Manifest): {
  span: Pick<BackupResult, 'first' | 'last' | 'epoch' | 'version' | 'ends_at_version'>;
  records: bigint;
  files: string[];
} {
  if ('rootHash' in manifest) {
    const { epoch, version, chunks } = manifest;
    return {
      span: { epoch: `${epoch}`, version: `${version}` },
      records: (chunks.at(-1)?.lastIdx ?? -1n) + 1n,
      files: chunks.map((chunk) => chunk.blobs),
    };
  }
  const [first, last, files] =
    'firstEpoch' in manifest
      ? [manifest.firstEpoch, manifest.lastEpoch, manifest.chunks.map((c) => c.ledgerInfos)]
      : [manifest.firstVersion, manifest.lastVersion, manifest.chunks.map((c) => c.transactions)];
  const ends =
    'firstEpoch' in manifest
      ? { ends_at_version: `${parseWaypoint(manifest.waypoints.at(-1)!).version}` }
      : {};
  return {
    span: { first: `${first}`, last: `${last}`, ...ends },
    records: last - first + 1n,
    files,
  };
}

async function totalBytes(storage: BackupStorage, handles: string[]): Promise<number> {
  let total = 0n;
  for (const handle of handles) total += (await storage.size(handle)) ?? 0n;
  return Number(total);
}
