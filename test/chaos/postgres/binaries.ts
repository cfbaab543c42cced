import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../src/temporal-server/binary/find-temporal.js';
import { run } from '../../../src/lib/host/run.js';

const VERSION = '1.32.0';
/** Go builds two programs of 190 MB, once, with 8 minutes of CPU time. */
const BUILD_MS = 60 * 60_000;

export interface Binaries {
  /** Temporal's server for PostgreSQL, and its schema tool. */
  server: string;
  sql: string;
  /** Folder of PostgreSQL's own programs. */
  postgres: string;
}

/** Finds the programs of a production stack. Builds Temporal's with Go into our cache folder. */
export async function findBinaries(say: (line: string) => void): Promise<Binaries> {
  const postgres = findPostgres();
  const folder = join(cacheFolder(), `temporal-server-${VERSION}`);
  const binaries = { server: join(folder, 'server'), sql: join(folder, 'sql'), postgres };
  if (existsSync(binaries.server) && existsSync(binaries.sql)) return binaries;
  say(`building Temporal server ${VERSION} by Go into ${folder}; this takes minutes`);
  mkdirSync(folder, { recursive: true });
  const module = 'go.temporal.io/server/cmd';
  const packages = [`${module}/server@v${VERSION}`, `${module}/tools/sql@v${VERSION}`];
  await run('go', ['install', '-trimpath', '-ldflags', '-s -w', ...packages], {
    timeoutMs: BUILD_MS,
    env: { ...process.env, GOBIN: folder, GOFLAGS: '-buildvcs=false' },
  });
  return binaries;
}

function findPostgres(): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  if (found === undefined)
    throw new Error('no initdb found: install PostgreSQL (apt-get install postgresql)');
  return found;
}

/** PostgreSQL refuses to run as root. As root, the test runs it as PostgreSQL's own user. */
export function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
