/**
 * Builds `dist/`: `npm run build`. Each program is one file, with a few more that several share, because to find, read and
 * compile a thousand small files takes a second of CPU at each start. All files lie in one folder, so that what a
 * program finds beside itself is there, too.
 */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleWorkflows } from './bundle-workflows.js';
import { licensesOf } from './licenses.js';
import { sdkForPrograms } from './sdk-for-programs.js';

const FOLDER = 'dist';

const PROGRAMS = {
  cli: 'src/cli.ts',
  demo: 'src/demo.ts',
  worker: 'src/worker.ts',
  'range-thread': 'src/backup/range/range-thread.ts',
  'copy-thread': 'src/upkeep/copy/thread/copy-thread.ts',
  'verify-thread': 'src/verify/thread/verify-thread.ts',
  'consolidate-thread': 'src/upkeep/consolidate/consolidate-thread.ts',
  'stat-thread': 'src/storage/local/stat-thread.ts',
  'workflow-thread': '@temporalio/worker/lib/workflow/workflow-worker-thread.js',
};

/** Loaded late by few, or by the place of their own files. What loads gRPC's `.proto` files is never loaded. */
const OUTSIDE = [
  '@chainsafe/blst',
  '@grpc/proto-loader',
  '@aws-sdk/*',
  '@azure/*',
  'google-auth-library',
  'pino',
  'yaml',
];

/** What CommonJS modules expect to be there. */
const COMMON_JS = `import { createRequire as requireHere } from 'node:module';
import { fileURLToPath as pathHere } from 'node:url';
const require = requireHere(import.meta.url);
const __filename = pathHere(import.meta.url);
const besideProgram = (name) => pathHere(new URL(name, import.meta.url));`;

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
const { metafile } = await build({
  entryPoints: PROGRAMS,
  outdir: FOLDER,
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node20.12',
  external: OUTSIDE,
  banner: { js: COMMON_JS },
  plugins: [sdkForPrograms],
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
});
const ofSdk = createRequire(createRequire(import.meta.url).resolve('@temporalio/worker'));
cpSync(ofSdk.resolve('source-map/lib/mappings.wasm'), join(FOLDER, 'mappings.wasm'));
cpSync('src/aptos/hash/sha3-batch.wasm', join(FOLDER, 'sha3-batch.wasm'));
cpSync('src/page/web', join(FOLDER, 'web'), { recursive: true });
writeFileSync(join(FOLDER, 'LICENSES.txt'), licensesOf(metafile));
await bundleWorkflows(FOLDER);
chmodSync(join(FOLDER, 'cli.js'), 0o755);
