import type { FileWriter, Sent } from './backend.js';
import type { Run, Steps } from './bounded.js';

/** A file each step of which returns in time. A step that stalls ends the file. */
export class BoundedWriter implements FileWriter {
  private lost = false;

  constructor(
    private readonly inner: FileWriter,
    private readonly stop: AbortController,
    private readonly steps: Steps,
    private readonly run: Run,
    /** Without the job's signal, because discarding must finish even when the job has ended. */
    private readonly toTheEnd: Run,
  ) {}

  get handle(): string {
    return this.inner.handle;
  }

  get sent(): Sent | undefined {
    return this.inner.sent;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.step('write', () => this.inner.write(bytes));
  }

  publish(options?: { replace?: boolean }): Promise<'created' | 'exists'> {
    return this.step('publish', () => this.inner.publish(options));
  }

  /** Does not wait for a file with a step that still runs. */
  async discard(): Promise<void> {
    if (this.lost) void this.inner.discard().catch(() => undefined);
    else await this.step('discard', () => this.inner.discard(), this.toTheEnd);
  }

  private async step<T>(what: string, start: () => Promise<T>, run = this.run): Promise<T> {
    const { handle } = this;
    let underWay = false;
    const started = () => {
      underWay = true;
      return start().finally(() => (underWay = false));
    };
    try {
      return await run(`${what} ${handle}`, handle, this.steps.of(started));
    } catch (error) {
      if (underWay) {
        this.lost = true;
        this.stop.abort(error);
      }
      throw error;
    }
  }
}
