import type { Call, FileWriter, StorageBackend } from '../../src/storage/backend.js';

class Dead extends Error {
  constructor() {
    super('the process is dead');
  }
}

/** A storage whose user dies at a change of it: the change is made or not, and nothing works any more. */
export class DyingBackend {
  /** Changes so far. */
  changes = 0;
  private dead = false;

  /** `at`: the number of the change, from 1. `made`: whether it is still made. */
  constructor(
    private readonly backend: StorageBackend,
    private readonly at: number,
    private readonly made: boolean,
  ) {}

  get isDead(): boolean {
    return this.dead;
  }

  open(): StorageBackend {
    return new Proxy(this.backend, {
      get: (backend, name: keyof StorageBackend) => {
        const value = Reflect.get(backend, name) as unknown;
        if (typeof value !== 'function') return value;
        const call = value.bind(backend) as (...args: unknown[]) => unknown;
        if (name === 'read') return call;
        if (name === 'remove' || name === 'removeFolder') {
          return (...args: unknown[]) => this.change(() => call(...args));
        }
        if (name === 'create') {
          return async (handle: string, context: Call) => {
            this.requireAlive();
            return this.writer((await call(handle, context)) as FileWriter);
          };
        }
        return (...args: unknown[]) => {
          this.requireAlive();
          return call(...args);
        };
      },
    });
  }

  private writer(file: FileWriter): FileWriter {
    return {
      handle: file.handle,
      write: (bytes) => file.write(bytes),
      publish: (options) => this.change(() => file.publish(options)),
      discard: () => file.discard(),
    };
  }

  private async change<T>(make: () => T): Promise<Awaited<T>> {
    this.requireAlive();
    this.changes += 1;
    const last = this.changes === this.at;
    this.dead = last;
    if (last && !this.made) throw new Dead();
    const result = await make();
    if (last) throw new Dead();
    return result;
  }

  private requireAlive(): void {
    if (this.dead) throw new Dead();
  }
}
