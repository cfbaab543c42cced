import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Gzip, constants, createGunzip, createGzip } from 'node:zlib';
import type { FileWriter, Sent } from './backend.js';

/** The default level of `gzip` and of the stock tool's adapters. */
const LEVEL = 6;
const LEAST_PART_BYTES = 4096;
const MOST_PART_BYTES = 256 * 1024;

/**
 * The content of a gzip'd file, part by part, however large it is. Like `gzip -cd`, it joins consecutive
 * members and ignores zeros after them. It works in the threads that also read files.
 * @throws what `parts` or `signal` throw; zlib's errors, see `damageOf`
 */
export async function* inflate(
  parts: AsyncIterable<Uint8Array>,
  firstPartBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // Full-size buffers for very many small files would keep the garbage collector busy.
  const chunkSize = Math.min(Math.max(4 * firstPartBytes, LEAST_PART_BYTES), MOST_PART_BYTES);
  const gunzip = createGunzip({ chunkSize });
  const source = Readable.from(parts, { objectMode: false, highWaterMark: 1 });
  // `gunzip` passes on its errors. It may also have read beyond the content.
  const fed = pipeline(source, gunzip).catch(() => undefined);
  const onAbort = () => gunzip.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const part of gunzip) yield part as Buffer;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', onAbort);
    gunzip.destroy();
    source.destroy();
    void fed;
  }
}

/** What zlib says about a damaged file; undefined for any other error. */
export function damageOf(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'it breaks off';
  return code === 'Z_DATA_ERROR' || code === 'Z_NEED_DICT' ? message : undefined;
}

/** Compresses a file on its way into a storage. Memory holds only what one write gives. */
export class GzipWriter implements FileWriter {
  private readonly gzip: Gzip;
  private readonly ready: Uint8Array[] = [];
  private whole = false;

  constructor(
    private readonly inner: FileWriter,
    level = LEVEL,
    /** Also ends writes that only fill the compressor. */
    private readonly signal?: AbortSignal,
  ) {
    this.gzip = createGzip({ level, chunkSize: constants.Z_DEFAULT_CHUNK * 4 });
    this.gzip.on('data', (part: Buffer) => this.ready.push(part));
    this.gzip.on('error', () => undefined); // the step that fails reports it
  }

  get handle(): string {
    return this.inner.handle;
  }

  get sent(): Sent | undefined {
    return this.inner.sent;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    await this.step((done) => this.gzip.write(bytes, done));
    await this.passOn();
  }

  async publish(options?: { replace?: boolean }): Promise<'created' | 'exists'> {
    if (!this.whole) {
      const end = new Promise<void>((resolve, reject) => {
        this.gzip.once('end', resolve).once('error', reject);
      });
      this.gzip.end();
      await end;
      await this.passOn();
      this.whole = true;
    }
    return this.inner.publish(options);
  }

  async discard(): Promise<void> {
    this.gzip.destroy();
    await this.inner.discard();
  }

  private step(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      start((error) => (error ? reject(error) : resolve()));
    });
  }

  private async passOn(): Promise<void> {
    for (let part = this.ready.shift(); part; part = this.ready.shift()) {
      await this.inner.write(part);
    }
  }
}
