import { Meter } from '../lib/host/meter.js';
import type { Call, FileWriter, Sent, StorageBackend } from './backend.js';

/** How much may be asked of a storage in a second. Absent: as much as it can. */
export interface StorageLimits {
  /** Bytes that are read, and as many that are written. */
  bytesPerSecond?: number | undefined;
  requestsPerSecond?: number | undefined;
}

/** A bucket lists so many names in a request, and takes a file in parts of this size. */
const NAMES_OF_A_REQUEST = 1_000;
const BYTES_OF_A_REQUEST = 8 * 1024 * 1024;

/**
 * A backend of which no more is asked than `limits`. Each operation is a request, and so are each further 1,000 names
 * of a listing and each further 8 MiB of a file.
 */
export function withLimits(backend: StorageBackend, limits: StorageLimits): StorageBackend {
  const requests = new Meter(limits.requestsPerSecond);
  const [inward, outward] = [new Meter(limits.bytesPerSecond), new Meter(limits.bytesPerSecond)];
  const asked = async <T>(call: Call, run: () => Promise<T>): Promise<T> => {
    await requests.pass(1, call);
    return run();
  };
  const readSmall = backend.readSmall?.bind(backend);
  const listed = async <T>(call: Call, list: () => Promise<T[]>): Promise<T[]> => {
    const names = await asked(call, list);
    await requests.pass(Math.floor(names.length / NAMES_OF_A_REQUEST), call);
    return names;
  };
  const { description, id, defaultEncoding, gzipLevel, byNameOnly, indexedAt } = backend;
  return {
    ...{ description, id, defaultEncoding, gzipLevel, byNameOnly, indexedAt },
    begin: (call) => asked(call, () => backend.begin(call)),
    probe: (call) => asked(call, () => backend.probe(call)),
    makeFolder: (folder, call) => asked(call, () => backend.makeFolder(folder, call)),
    async create(handle, call) {
      const file = await asked(call, () => backend.create(handle, call));
      return new MeteredFile(file, call, requests, outward);
    },
    async *read(handle, call) {
      await requests.pass(1, call);
      for await (const part of backend.read(handle, call)) {
        await inward.pass(part.length, call);
        yield part;
      }
    },
    stat: (handle, call) => asked(call, () => backend.stat(handle, call)),
    entries: (folder, call) => listed(call, () => backend.entries(folder, call)),
    list: (folder, call) => listed(call, () => backend.list(folder, call)),
    stamps: (folder, call) => listed(call, () => backend.stamps(folder, call)),
    ...(readSmall
      ? {
          async readSmall(handle, call) {
            const bytes = await asked(call, () => readSmall(handle, call));
            if (bytes) await inward.pass(bytes.length, call);
            return bytes;
          },
        }
      : {}),
    remove: (handle, call) => asked(call, () => backend.remove(handle, call)),
    removeFolder: (folder, call) => asked(call, () => backend.removeFolder(folder, call)),
    now: (call) => asked(call, () => backend.now(call)),
    lastChange: (folder, call) => asked(call, () => backend.lastChange(folder, call)),
    removeLeftovers: (folder, whose, call) =>
      asked(call, () => backend.removeLeftovers(folder, whose, call)),
  };
}

class MeteredFile implements FileWriter {
  private bytes = 0;

  constructor(
    private readonly inner: FileWriter,
    private readonly call: Call,
    private readonly requests: Meter,
    private readonly outward: Meter,
  ) {}

  get handle(): string {
    return this.inner.handle;
  }

  get sent(): Sent | undefined {
    return this.inner.sent;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.outward.pass(bytes.length, this.call);
    const before = Math.floor(this.bytes / BYTES_OF_A_REQUEST);
    this.bytes += bytes.length;
    const more = Math.floor(this.bytes / BYTES_OF_A_REQUEST) - before;
    if (more > 0) await this.requests.pass(more, this.call);
    return this.inner.write(bytes);
  }

  async publish(options?: { replace?: boolean }): Promise<'created' | 'exists'> {
    await this.requests.pass(1, this.call);
    return this.inner.publish(options);
  }

  discard(): Promise<void> {
    return this.inner.discard();
  }
}
