import { readFileSync } from 'node:fs';

/** The release of this program, from the package.json beside the folder of its entry point. */
export function releaseOf(entry: string): string {
  const file = new URL('../package.json', entry);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
