/**
 * Checks that this checkout can be released, runs all tests and packs it: `npm run release`. It publishes nothing, but
 * says how.
 */
import { execFileSync } from 'node:child_process';
import { hindrances, versionOf } from './release-checks.js';

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: 'inherit' });

const found = hindrances('.');
if (found.length > 0) {
  for (const what of found) console.error(`release: ${what}`);
  process.exit(1);
}
const version = versionOf('.');
run('npm', 'ci');
run('npm', 'test');
run('npm', 'pack');
console.log(`
aptos-backup-${version}.tgz is ready. To publish it:

  git tag -a v${version} -m ${version} && git push --follow-tags
  npm publish aptos-backup-${version}.tgz
`);
