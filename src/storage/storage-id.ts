import { createHash } from 'node:crypto';

/** The short name of a storage, from a name that is the same for everybody. */
export function digestId(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}
