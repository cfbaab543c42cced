import { AptosDataError, MAX_MANIFEST_BYTES } from '../aptos/index.js';
import { readLineFile } from '../repository/line-file.js';
import { leftAlone } from '../repository/metadata-file.js';
import type { BackupType } from '../contract/job.js';
import type { Outcome } from '../contract/answers/backup-answers.js';
import type { Proven, ResultOf } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { currentAnchor } from '../site/chain-anchor.js';
import type { Site } from '../site/site.js';
import { readOwn } from '../repository/stored-file.js';
import { kindOf } from './kinds/index.js';
import type { Content } from './kinds/kind.js';

/**
 * The backup that the storage already holds: under the metadata file of that name, ours or the stock tool's; or in a
 * file that a compaction has put its line into. Then there is nothing to do. No other metadata is looked at.
 * @throws StorageError DAMAGED when nobody knows what that says: no other can be committed beside it
 */
export async function findCommitted<K extends BackupType>(
  site: Site,
  type: K,
  metadata: string,
): Promise<ResultOf<K> | undefined> {
  const file = await readLineFile(site.storage, metadata);
  if (file?.undecodable !== undefined) throw leftAlone(site.storage, metadata, file.undecodable);
  for (const line of file?.lines ?? []) {
    if (!('manifest' in line)) continue;
    const { manifest } = line;
    const bytes = await readOwn(site.storage, manifest, MAX_MANIFEST_BYTES);
    const content = bytes && readIfValid(type, bytes);
    if (!content) continue;
    const committed = await resultOf(site, type, { manifest, metadata: file!.handle, content });
    return { ...committed, chunks_reused: content.chunks.length, already_committed: true };
  }
  return undefined;
}

function readIfValid<K extends BackupType>(type: K, manifest: Uint8Array): Content<K> | undefined {
  try {
    return kindOf(type).read(manifest);
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/** What a workflow returns of a backup that was committed just now. `metadata`: the handle of its line. */
export async function resultOf<K extends BackupType>(
  site: Site,
  type: K,
  committed: { manifest: string; metadata: string; content: Content<K> },
): Promise<ResultOf<K>> {
  const { manifest, metadata, content } = committed;
  const { range, records, chunks, extra } = content;
  const proven = extra?.['proven'];
  const outcome: Outcome = {
    backup: manifest.slice(0, manifest.lastIndexOf('/')),
    manifest,
    metadata,
    records: `${records}`,
    chunks: chunks.length,
    bytes: await totalBytes(site.storage, chunks),
    proven: typeof proven === 'string' ? (proven as Proven) : 'not checked',
    anchor: currentAnchor(site),
    chunks_reused: 0,
    already_committed: false,
  };
  return Object.assign(outcome, { type }, range);
}

/** As a manifest of ours says; of others as they are stored. */
async function totalBytes(
  storage: BackupStorage,
  chunks: Content<BackupType>['chunks'],
): Promise<number> {
  let total = 0n;
  for (const { file, extra } of chunks) {
    const said = extra?.['bytes'];
    total += typeof said === 'bigint' ? said : ((await storage.stat(file))?.bytes ?? 0n);
  }
  return Number(total);
}
