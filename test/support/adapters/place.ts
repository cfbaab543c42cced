import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { StorageBackend } from '../../../src/storage/backend.js';
import { openCommandAdapter } from '../../../src/storage/command/command-backend.js';
import { temporaryFolder } from '../temporary-folder.js';

type Verb = 'put' | 'get' | 'list' | 'move';
export type Fault = `${'hang' | 'fail' | 'part' | 'nothing' | 'page' | 'cut'}-${Verb}` | 'noise';

/** A place of its own for the stand-ins of one test, and an adapter over it. */
export class AdapterPlace {
  readonly root = temporaryFolder('adapter');
  readonly store = join(this.root, 'store');
  readonly faults = join(this.root, 'faults');
  readonly temporary = join(this.root, 'tmp');
  private opened = 0;

  constructor(
    private readonly yaml: string,
    env: Record<string, string> = {},
  ) {
    for (const folder of [this.store, this.faults, this.temporary]) mkdirSync(folder);
    vi.stubEnv('PATH', `${join(import.meta.dirname, 'bin')}:${process.env['PATH']}`);
    vi.stubEnv('STORE', this.store);
    vi.stubEnv('FAULTS', this.faults);
    vi.stubEnv('TMPDIR', this.temporary);
    const place = { BUCKET: 'bucket', SUB_DIR: 'e1', ENDPOINT: 'https://store.example', ...env };
    for (const [key, value] of Object.entries(place)) vi.stubEnv(key, value);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(this.root, { recursive: true, force: true, maxRetries: 10 });
    });
  }

  /** As another process does, which knows nothing of what others did. */
  open(): StorageBackend {
    return openCommandAdapter(this.file());
  }

  file(): string {
    this.opened += 1;
    const file = join(this.root, `adapter-${this.opened}.yaml`);
    writeFileSync(file, this.yaml);
    return file;
  }

  /** Makes the stand-ins misbehave, always or so many times. */
  misbehave(fault: Fault, times?: number): void {
    writeFileSync(join(this.faults, fault), times === undefined ? '' : `${times}`);
  }

  behave(fault: Fault): void {
    rmSync(join(this.faults, fault), { force: true });
  }

  /** What the stand-ins were asked, in order, e.g. "put bucket/e1/metadata/one.meta". */
  asked(verb: Verb): string[] {
    const log = join(this.faults, 'log');
    if (!existsSync(log)) return [];
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    return lines.filter((line) => line.startsWith(`${verb} `)).map((line) => line.split(' ')[1]!);
  }

  /** Process ids of stand-ins that hang. */
  hanging(): number[] {
    const file = join(this.faults, 'hangs');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
  }

  /** Where the stand-ins keep an object. */
  objectOf(handle: string): string {
    return join(this.store, 'bucket', 'e1', handle);
  }
}
