import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * A file of the chain data that some checkouts have beside them (real ledger infos, genesis blobs,
 * transactions), or undefined. Tests that need one skip, and say so.
 */
export function sharedData(...path: string[]): string | undefined {
  const file = join(resolve(import.meta.dirname, '..', '..', 'shared', 'data'), ...path);
  return existsSync(file) ? file : undefined;
}
