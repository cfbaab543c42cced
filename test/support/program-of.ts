import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { temporaryFolder } from './temporary-folder.js';

/** What CommonJS modules need in a program of the other kind. */
const REQUIRE = `import { createRequire as requireHere } from 'node:module'; const require = requireHere(import.meta.url); const __dirname = import.meta.dirname;`;

const BUILD = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Makes one file of a program in TypeScript and of what it imports, for a process or a thread without a loader. Its threads are those of the build. */
export function programOf(entry: URL): string {
  const folder = temporaryFolder('program');
  const outfile = join(folder, 'program.mjs');
  buildSync({
    entryPoints: [fileURLToPath(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: REQUIRE },
    loader: { '.node': 'copy' },
    sourcemap: true,
    logLevel: 'warning',
  });
  for (const name of readdirSync(BUILD).filter((each) => each.endsWith('-thread.js'))) {
    symlinkSync(join(BUILD, name), join(folder, name));
  }
  return outfile;
}
