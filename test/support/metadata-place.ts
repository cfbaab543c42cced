import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { encodeMetadataLine, metadataFileName, type MetadataLine } from '../../src/aptos/index.js';
import type { Call } from '../../src/storage/backend.js';
import { temporaryFolder } from './temporary-folder.js';

/** A line of transactions, ten versions each. */
export function lineOf(batch: number, manifest = `transaction_${batch * 10}-.ab/m`): MetadataLine {
  const [firstVersion, lastVersion] = [BigInt(batch * 10), BigInt(batch * 10 + 9)];
  return { type: 'TransactionBackup', firstVersion, lastVersion, manifest };
}

/** The metadata of a local storage without anything else, and a data folder for its cache. */
export class MetadataPlace {
  readonly root = temporaryFolder('metadata');
  readonly folder = join(this.root, 'storage');
  readonly data = join(this.root, 'data');

  constructor() {
    mkdirSync(join(this.folder, 'metadata'), { recursive: true });
    mkdirSync(this.data);
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true, maxRetries: 10 }));
  }

  put(lines: readonly MetadataLine[], name = metadataFileName(lines[0]!)): string {
    const content = Buffer.concat(lines.map((line) => encodeMetadataLine(line)));
    writeFileSync(join(this.folder, 'metadata', name), content);
    return name;
  }

  remove(name: string): void {
    rmSync(join(this.folder, 'metadata', name));
  }

  names(): string[] {
    return readdirSync(join(this.folder, 'metadata'));
  }

  /** The cache, if there is one. */
  cache(): string {
    const [name] = readdirSync(join(this.data, 'catalog'));
    return join(this.data, 'catalog', name!);
  }

  /** Another process: it knows only what the cache says. It counts what it reads of the storage. */
  async process({ data = this.data }: { data?: string | null } = {}) {
    vi.resetModules();
    const { keepCachesIn } = await import('../../src/lib/host/data-folder.js');
    const { LocalBackend } = await import('../../src/storage/local/local-backend.js');
    const { BackupStorage } = await import('../../src/storage/storage.js');
    const { readCatalog } = await import('../../src/repository/catalog.js');
    keepCachesIn(data ?? undefined);
    const counts = { reads: 0, listings: 0 };
    /** Bytes of large files that are read at the moment, and the most that there were. */
    const open = { bytes: 0, most: 0 };
    /** What happens when a listing has been made. */
    let listed: () => void = () => undefined;
    class Counting extends LocalBackend {
      constructor(private readonly at: string) {
        super(at);
      }
      override async stamps(folder: string, call: Call) {
        counts.listings += 1;
        const found = await super.stamps(folder, call);
        listed();
        return found;
      }
      override async entries(folder: string) {
        counts.listings += 1;
        const found = await super.entries(folder);
        listed();
        return found;
      }
      override async *read(handle: string, call: Call) {
        const bytes = statSync(join(this.at, handle), { throwIfNoEntry: false })?.size ?? 0;
        open.bytes += bytes;
        open.most = Math.max(open.most, open.bytes);
        try {
          yield* super.read(handle, call);
        } finally {
          open.bytes -= bytes;
        }
      }
      override readSmall(handle: string) {
        counts.reads += 1;
        return super.readSmall(handle);
      }
    }
    const storage = new BackupStorage(new Counting(this.folder));
    /** First versions of all transactions, and what it took to know them. */
    const look = async () => {
      Object.assign(counts, { reads: 0, listings: 0 });
      const catalog = await readCatalog(storage);
      const batches = catalog.transactions.map(({ firstVersion }) => Number(firstVersion / 10n));
      return { ...counts, batches, catalog };
    };
    return { look, open, afterListing: (work: () => void) => (listed = work) };
  }
}

/** Numbers from 0 on. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
