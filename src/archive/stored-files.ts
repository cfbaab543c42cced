import { createHash } from 'node:crypto';
import {
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  type EpochEndingManifest,
  type JsonObject,
  MAX_MANIFEST_BYTES,
  type StateSnapshotManifest,
  type TransactionManifest,
} from '../aptos/index.js';
import type { BackupStorage } from '../storage/storage.js';
import { requireDigest } from '../verify/stored-records.js';
import { requireOwnFields } from '../verify/own-fields.js';
import { isStorageError } from '../storage/storage-error.js';
import { DamagedFile, NotStored, about, damagedIf } from './not-served.js';
import { SizedCache } from './sized-cache.js';

const MANIFEST_BYTES = 64 * 1024 * 1024;
const MAX_PROOF_BYTES = 16 * 1024 * 1024;
/** A parsed manifest takes several times its size. */
const PARSED = 4;

/** Reads the small files of backups: manifests, which are kept, and proofs. */
export class StoredFiles {
  private readonly manifests = new SizedCache<unknown>(MANIFEST_BYTES);
  private readonly suspects = new Set<string>();

  constructor(private readonly storage: BackupStorage) {}

  /** @throws DamagedFile, StorageError */
  endings(handle: string): Promise<EpochEndingManifest> {
    return this.manifest(handle, (bytes) => {
      const manifest = decodeEpochEndingManifest(bytes);
      requireOwnFields(manifest, false);
      return manifest;
    });
  }

  /** @throws DamagedFile, StorageError */
  transactions(handle: string): Promise<TransactionManifest> {
    return this.manifest(handle, (bytes) => {
      const manifest = decodeTransactionManifest(bytes);
      requireOwnFields(manifest, true);
      return manifest;
    });
  }

  /** @throws DamagedFile, StorageError */
  snapshot(handle: string): Promise<StateSnapshotManifest> {
    return this.manifest(handle, (bytes) => {
      const manifest = decodeStateSnapshotManifest(bytes);
      requireOwnFields(manifest, true);
      return manifest;
    });
  }

  /**
   * Call it when something that a manifest names could not be read. If it is damaged, the manifest is read again at
   * its next use, and other backups with the same records are preferred from now on.
   */
  suspect(handle: string, error: unknown): void {
    if (!(error instanceof DamagedFile)) return;
    this.manifests.forget(handle);
    this.suspects.add(handle);
  }

  /**
   * What `open` makes of the first backup that can be used; of those, the ones that were never damaged come first.
   * `what` names what is looked for. @throws NotStored when there is none; the error of the last one if all fail
   */
  async firstUsable<E extends { manifest: string }, R>(
    what: string,
    entries: readonly E[],
    open: (entry: E) => Promise<R>,
  ): Promise<R> {
    const isSuspect = ({ manifest }: E) => this.suspects.has(manifest);
    const sound = entries.filter((entry) => !isSuspect(entry));
    let error: unknown = new NotStored(`${what} is not stored`);
    for (const entry of [...sound, ...entries.filter(isSuspect)]) {
      try {
        return await open(entry);
      } catch (met) {
        error = met;
        if (!(met instanceof DamagedFile) && !isStorageError(met)) throw met;
      }
    }
    throw error;
  }

  /** A proof file. `extra`: our fields of its chunk. @throws DamagedFile, StorageError */
  proof(handle: string, extra?: JsonObject): Promise<Uint8Array> {
    return about(handle, async () => {
      const bytes = await this.storage.readAll(handle, MAX_PROOF_BYTES);
      requireDigest(extra, 'proof_sha256', createHash('sha256').update(bytes).digest('hex'));
      return bytes;
    });
  }

  private async manifest<M>(handle: string, decode: (bytes: Uint8Array) => M): Promise<M> {
    const make = async () => {
      const bytes = await this.storage.readAll(handle, MAX_MANIFEST_BYTES);
      return { value: decode(bytes), bytes: bytes.length * PARSED };
    };
    try {
      return (await this.manifests.get(handle, make)) as M;
    } catch (error) {
      throw damagedIf(handle, error);
    }
  }
}
