import { createHash } from 'node:crypto';

/** The short name of a storage, from a name that is the same for everybody. */
export function digestId(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

const MOST_CHARACTERS = 40;

/**
 * What people recognise a storage by, as a part of ids: the end of the path of a folder or a YAML, or of bucket and
 * prefix. Two storages may have the same. Empty when nothing of the name is left.
 */
export function readablePart(name: string): string {
  const path = name.replace(/[?#].*$/, '').replace(/^[a-z]+:\/\//i, '');
  const parts = path.split('/').filter((part) => part !== '');
  const words = parts.slice(-3).join('-').toLowerCase();
  const clean = words.replace(/[^a-z0-9._-]+/g, '-').slice(-MOST_CHARACTERS);
  return clean.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
}
