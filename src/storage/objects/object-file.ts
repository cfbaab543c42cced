import type { FileWriter, Sent } from '../backend.js';
import type { ObjectUpload } from './object-store.js';

/** A file that is being written: an upload, which is completed when the file is published. */
export class ObjectFile implements FileWriter {
  private bytes = 0n;

  constructor(
    readonly handle: string,
    private readonly upload: ObjectUpload,
    private readonly signal: AbortSignal,
  ) {}

  get sent(): Sent {
    return { bytes: this.bytes, isChecked: this.upload.isChecked };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal.throwIfAborted();
    await this.upload.write(bytes);
    this.bytes += BigInt(bytes.length);
  }

  async publish({ replace = false }: { replace?: boolean } = {}): Promise<'created' | 'exists'> {
    this.signal.throwIfAborted(); // the job may be cancelled, so that nobody waits for the file
    return this.upload.complete({ ifAbsent: !replace });
  }

  async discard(): Promise<void> {
    await this.upload.abort();
  }
}
