import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { temporaryFolder } from './temporary-folder.js';

/** What CommonJS modules need in a program of the other kind. */
const REQUIRE = `import { createRequire as requireHere } from 'node:module'; const require = requireHere(import.meta.url); const __dirname = import.meta.dirname;`;

/** Makes one file of a program in TypeScript and of what it imports, for a process or a thread without a loader. */
export function programOf(entry: URL): string {
  const outfile = join(temporaryFolder('program'), 'program.mjs');
  buildSync({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: REQUIRE },
    loader: { '.node': 'copy' },
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
