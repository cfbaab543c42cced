import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { run } from '../../../src/lib/host/run.js';
import { cacheFolder } from '../../../src/temporal-server/binary/find-temporal.js';

/** A server that tests run, as a single binary. */
export interface ServerProgram {
  /** Of the binary, on PATH and in the cache. */
  name: string;
  /** The environment variable that names a binary to be used instead. */
  variable: string;
  /** A change of it fetches the binary anew. */
  version: string;
  /** Arguments with which the binary only says what it is. */
  asks: string[];
  /** Fetches or builds the binary into a folder of its own. Returns its path. */
  fetch: (into: string) => Promise<string>;
}

/**
 * Finds the binary of a server: where its variable says, on PATH, in the cache; else fetches it into the cache
 * (`test-servers` in the folder where the Temporal binary is kept). Returns its path.
 * @throws Error that says what failed: a test whose server cannot be started fails
 */
export async function findServer(program: ServerProgram): Promise<string> {
  const { name, variable, version, asks, fetch } = program;
  const given = process.env[variable];
  if (given) return resolve(given);
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = resolve(folder, name);
    if (folder !== '' && (await isProgram(path))) return path;
  }
  const cache = join(cacheFolder(), 'test-servers');
  const cached = join(cache, `${name}-${version}`);
  if (await isProgram(cached)) return cached;

  // Two processes may fetch at the same time: each into its own folder, and the binary is moved at the end.
  const into = join(cache, `fetch-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(into, { recursive: true });
  try {
    const fetched = await fetch(into);
    await chmod(fetched, 0o755);
    await run(fetched, asks, { timeoutMs: 30_000 });
    await rename(fetched, cached);
    return cached;
  } catch (error) {
    throw new Error(
      `the test server ${name} ${version} cannot be fetched; install it, or set ${variable} to its path`,
      { cause: error },
    );
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
