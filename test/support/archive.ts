import { onTestFinished } from 'vitest';
import { Archive } from '../../src/archive/archive.js';
import { serveArchive } from '../../src/archive/server.js';
import type { StorageConfig } from '../../src/contract/job.js';
import { openStorage } from '../../src/storage/open.js';

export interface Served {
  address: string;
  /** What the log would have, a line for each error. */
  errors: string[];
}

/** A storage that is served until the end of the test. `paceMs`: how old its metadata may be. */
export async function served(
  storage: StorageConfig,
  { cacheBytes = 64 * 1024 * 1024, paceMs = 60_000 } = {},
): Promise<Served> {
  const errors: string[] = [];
  const onError = (error: unknown, path = '') => {
    errors.push(`${path} ${(error as Error).message}`.trim());
  };
  const archive = await Archive.open({
    storage: openStorage(storage),
    cacheBytes,
    onError,
    paceMs,
  });
  const server = await serveArchive(archive, { host: '127.0.0.1', port: 0, onError });
  onTestFinished(() => server.close());
  return { address: server.address, errors };
}
