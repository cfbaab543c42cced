import {
  AptosDataError,
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  type JsonObject,
  MAX_MANIFEST_BYTES,
} from '../../aptos/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import type { BackupEntry } from '../../repository/catalog.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';

const READS_IN_FLIGHT = 16;

export interface NeededFile {
  handle: string;
  /** Bytes as they are stored; undefined where a storage cannot say. */
  stored: number | undefined;
  /** Bytes as the tool reads them, where our manifest says it. */
  unpacked: number | undefined;
  isChunk: boolean;
}

/** A backup as a restore needs it: the files of its chunks, in order, and those that belong to all. */
export interface Need {
  files: NeededFile[];
  chunks: { first: bigint; last: bigint; files: NeededFile[] }[];
  /** Of a state snapshot. */
  rootHash?: string;
}

/**
 * Reads manifests and looks up the files that they name, each once. Where files can be listed, one listing for each
 * folder tells sizes, and what is missing.
 */
export class Needs {
  private readonly known = new Map<string, Need | { broken: string }>();
  private readonly folders = new Map<string, Promise<Map<string, number>>>();

  constructor(private readonly storage: BackupStorage) {}

  /** Reads what is not known yet of these backups. Returns those that cannot be used, and why. */
  async read(
    entries: readonly BackupEntry[],
    onRead: () => void,
  ): Promise<Map<BackupEntry, string>> {
    const left = entries.filter(({ manifest }) => !this.known.has(manifest));
    await forEachAtOnce(READS_IN_FLIGHT, left, async (entry) => {
      this.known.set(entry.manifest, await this.needOf(entry));
      onRead();
    });
    const broken = new Map<BackupEntry, string>();
    for (const entry of entries) {
      const need = this.known.get(entry.manifest);
      if (need && 'broken' in need) broken.set(entry, need.broken);
    }
    return broken;
  }

  of({ manifest }: BackupEntry): Need {
    const need = this.known.get(manifest);
    if (!need || 'broken' in need) throw new Error(`${manifest} was not read`);
    return need;
  }

  private async needOf(entry: BackupEntry): Promise<Need | { broken: string }> {
    const { manifest } = entry;
    try {
      const named = namedBy(entry, await this.storage.readAll(manifest, MAX_MANIFEST_BYTES));
      const all = [...named.others, ...named.chunks.flatMap((chunk) => chunk.files)];
      const sizes = await this.sizesOf(all.map(({ handle }) => handle));
      const lost = sizes && all.find(({ handle }) => !sizes.has(handle));
      if (lost) return { broken: `${lost.handle} is missing, which ${manifest} names` };
      const sized = ({ handle, extra, isChunk }: Named): NeededFile => ({
        handle,
        isChunk,
        stored: sizes?.get(handle),
        unpacked: isChunk ? numberIn(extra) : undefined,
      });
      return {
        files: named.others.map(sized),
        chunks: named.chunks.map((chunk) => ({ ...chunk, files: chunk.files.map(sized) })),
        ...(named.rootHash === undefined ? {} : { rootHash: named.rootHash }),
      };
    } catch (error) {
      const broken =
        error instanceof AptosDataError ||
        isStorageError(error, 'NOT_FOUND', 'NAME_INVALID', 'TOO_LARGE', 'DAMAGED');
      if (!broken) throw error;
      return { broken: `${manifest} cannot be used: ${error.message}` };
    }
  }

  /** Sizes of all files in the folders of these files; undefined where a storage lists nothing. */
  private async sizesOf(handles: readonly string[]): Promise<Map<string, number> | undefined> {
    if (this.storage.byNameOnly) return undefined;
    const folders = new Set(handles.map((handle) => handle.slice(0, handle.indexOf('/'))));
    const found = new Map<string, number>();
    for (const folder of folders) {
      for (const [handle, bytes] of await this.listed(folder)) found.set(handle, bytes);
    }
    return found;
  }

  private listed(folder: string): Promise<Map<string, number>> {
    const known = this.folders.get(folder);
    if (known) return known;
    const listing = this.storage
      .listFolder(folder)
      .then((all) => new Map(all.map(({ handle, bytes }) => [handle, Number(bytes)])));
    this.folders.set(folder, listing);
    return listing;
  }
}

interface Named {
  handle: string;
  extra?: JsonObject | undefined;
  isChunk: boolean;
}

interface NamedFiles {
  others: Named[];
  chunks: { first: bigint; last: bigint; files: Named[] }[];
  rootHash?: string;
}

/** The files that a manifest names, and itself. @throws AptosDataError */
function namedBy({ type, manifest }: BackupEntry, bytes: Uint8Array): NamedFiles {
  const itself = { handle: manifest, isChunk: false };
  const chunk = (handle: string, extra: JsonObject | undefined): Named => {
    return { handle, extra, isChunk: true };
  };
  const proof = (handle: string): Named => ({ handle, isChunk: false });
  switch (type) {
    case 'EpochEndingBackup': {
      const { chunks } = decodeEpochEndingManifest(bytes);
      return {
        others: [itself],
        chunks: chunks.map((one) => ({
          first: one.firstEpoch,
          last: one.lastEpoch,
          files: [chunk(one.ledgerInfos, one.extra)],
        })),
      };
    }
    case 'TransactionBackup': {
      const { chunks } = decodeTransactionManifest(bytes);
      return {
        others: [itself],
        chunks: chunks.map((one) => ({
          first: one.firstVersion,
          last: one.lastVersion,
          files: [chunk(one.transactions, one.extra), proof(one.proof)],
        })),
      };
    }
    case 'StateSnapshotBackup': {
      const { chunks, rootHash, proof: whole } = decodeStateSnapshotManifest(bytes);
      return {
        others: [itself, proof(whole)],
        rootHash,
        chunks: chunks.map((one) => ({
          first: one.firstIdx,
          last: one.lastIdx,
          files: [chunk(one.blobs, one.extra), proof(one.proof)],
        })),
      };
    }
  }
}

function numberIn(extra: JsonObject | undefined): number | undefined {
  const bytes = extra?.['bytes'];
  return typeof bytes === 'bigint' ? Number(bytes) : undefined;
}
