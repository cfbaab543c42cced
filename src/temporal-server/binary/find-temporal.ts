import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { findOnPath } from '../../lib/host/find-on-path.js';
import { makeMissing } from '../../lib/host/make-folders.js';
import { DOWNLOAD_ROOT, download, goInstall, pipInstall } from './sources.js';
import { reasonOf, type Say, TemporalError } from '../../temporal/temporal-error.js';
import { run } from '../../lib/host/run.js';

export interface FindTemporalOptions {
  env?: NodeJS.ProcessEnv;
  /** Gets one line for each source that was tried and failed, and for the begin and the success of a fetch. */
  say?: Say;
  /** Base URL of the official download. @default https://temporal.download */
  downloadRoot?: string;
  /** Ends the search; it rejects with the signal's reason. A fetch may take minutes. */
  signal?: AbortSignal;
}

/** The folder for fetched binaries: `APTOS_BACKUP_CACHE_DIR`, else `aptos-backup` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['APTOS_BACKUP_CACHE_DIR']) return resolve(env['APTOS_BACKUP_CACHE_DIR']);
  return resolve(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'aptos-backup');
}

/**
 * Finds a `temporal` CLI binary that runs, and returns its path; it contains the development server and the
 * web UI. Looks on this machine first, and then fetches one into the cache folder.
 * @throws TemporalError TEMPORAL_BINARY_MISSING, naming every source and why it failed
 */
export async function findTemporal(options: FindTemporalOptions = {}): Promise<string> {
  const env = options.env ?? process.env;
  const say = options.say ?? (() => {});
  const { signal } = options;
  const tried: string[] = [];
  const reject = (source: string, why: string): void => {
    signal?.throwIfAborted();
    tried.push(`${source}: ${why}`);
    say(`Temporal server from ${source}: ${why}`);
  };

  const named = env['TEMPORAL_CLI_PATH'];
  const onPath = await findOnPath('temporal', env);
  const cached = join(cacheFolder(env), 'bin', 'temporal');
  const present: [source: string, path: string | undefined][] = [
    ['TEMPORAL_CLI_PATH', named ? resolve(named) : undefined],
    ['PATH', onPath],
    ['our cache', (await isFile(cached)) ? cached : undefined],
  ];
  for (const [source, path] of present) {
    if (path === undefined) {
      tried.push(`${source}: ${source === 'TEMPORAL_CLI_PATH' ? 'not set' : 'not there'}`);
      continue;
    }
    const failure = await whyItDoesNotRun(path, signal);
    if (failure === undefined) return path;
    reject(`${source} (${path})`, failure);
  }

  const fetches: [source: string, fetch: (into: string) => Promise<string>][] = [
    ['download', (into) => download(into, options.downloadRoot ?? DOWNLOAD_ROOT, signal)],
    ['pip', (into) => pipInstall(into, env, signal)],
    ['go install', (into) => goInstall(into, env, say, signal)],
  ];
  // A slow link takes minutes, of which nothing else would be seen.
  say('No Temporal server is on this host yet: fetching one, which may take some minutes');
  for (const [source, fetch] of fetches) {
    try {
      await fetchIntoCache(fetch, cached, signal);
      say(`Temporal server from ${source}: fetched into ${cached}`);
      return cached;
    } catch (error) {
      reject(source, reasonOf(error));
    }
  }
  throw new TemporalError(
    'TEMPORAL_BINARY_MISSING',
    `no Temporal server binary: ${tried.join('; ')}. Install the temporal CLI on PATH, point ` +
      'TEMPORAL_CLI_PATH at one, or set TEMPORAL_ADDRESS to use a server that already runs',
  );
}

/** Two processes may fetch at the same time, so each uses its own folder and renames the binary at the end. */
async function fetchIntoCache(
  fetch: (into: string) => Promise<string>,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const bin = resolve(target, '..');
  const cache = resolve(bin, '..');
  await makeMissing(bin);
  const into = join(cache, `fetch-${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(into);
  try {
    await removeOldFetches(cache, (await stat(into)).mtimeMs);
    const fetched = await fetch(into);
    await chmod(fetched, 0o755);
    const failure = await whyItDoesNotRun(fetched, signal);
    if (failure !== undefined) throw new Error(`what was fetched does not run: ${failure}`);
    await rename(fetched, target);
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

/**
 * Removes folders of about 150 MB that processes left behind when they were killed during a fetch. `now` must
 * come from the clock of the file system, which may be on another host.
 */
async function removeOldFetches(cache: string, now: number): Promise<void> {
  const anHourAgo = now - 3_600_000;
  for (const name of await readdir(cache)) {
    if (!name.startsWith('fetch-')) continue;
    const made = await stat(join(cache, name)).catch(() => undefined);
    if (made && made.mtimeMs < anHourAgo)
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function whyItDoesNotRun(
  path: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeoutMs: 20_000, signal });
    return /temporal/i.test(stdout) ? undefined : 'it is not the temporal CLI';
  } catch (error) {
    return reasonOf(error);
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
