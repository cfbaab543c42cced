import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findOnPath } from '../../../src/lib/host/find-on-path.js';
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
  const onPath = await findOnPath(name);
  if (onPath !== undefined) return onPath;
  try {
    return await fetchOnce(`${name}-${version}`, async (into) => {
      const fetched = await fetch(into);
      await chmod(fetched, 0o755);
      await run(fetched, asks, { timeoutMs: 30_000 });
      return fetched;
    });
  } catch (error) {
    throw new Error(
      `the test server ${name} ${version} cannot be fetched; install it, or set ${variable} to its path`,
      { cause: error },
    );
  }
}

/**
 * The path of a file or folder in the cache of the tests. If it is missing, `fetch` gets an empty folder, and returns
 * the path in it that is kept. Two processes may do so at the same time: each into its own folder.
 */
export async function fetchOnce(
  name: string,
  fetch: (into: string) => Promise<string>,
): Promise<string> {
  const cache = join(cacheFolder(), 'test-servers');
  const cached = join(cache, name);
  const isThere = () =>
    access(cached).then(
      () => true,
      () => false,
    );
  if (await isThere()) return cached;
  const into = join(cache, `fetch-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(into, { recursive: true });
  try {
    const fetched = await fetch(into);
    await rename(fetched, cached).catch(async (error: unknown) => {
      if (!(await isThere())) throw error; // the other process was first
    });
    return cached;
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

/** Unpacks a Python package, like `name==1.2.3`, into a folder, without what it needs. */
export async function pipInstall(what: string, into: string): Promise<void> {
  const flags = ['--no-deps', '--disable-pip-version-check', '--target', into];
  await run('python3', ['-m', 'pip', 'install', ...flags, what], { timeoutMs: 300_000 });
}
