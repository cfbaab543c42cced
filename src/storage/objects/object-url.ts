import { type StorageUrl, readStorageUrl } from '../../lib/storage-url.js';
import { StorageError } from '../storage-error.js';
import type { ObjectBackendOptions } from './object-backend.js';

/** Parameters of every bucket: how to reach it, and how to write the files of a new storage. */
const COMMON = ['endpoint', 'anonymous', 'encoding', 'gzip_level'];

/**
 * Reads the URL of a bucket. `own`: parameters of this vendor, beside those of all buckets. @throws StorageError
 * PATH_INVALID that names what is wrong
 */
export function readObjectUrl(
  text: string,
  own: readonly string[] = [],
): {
  url: StorageUrl;
  options: ObjectBackendOptions;
  /** Another server than the vendor's, without a slash at its end. */
  endpoint: string | undefined;
  /** Without credentials. */
  anonymous: boolean;
} {
  const url = readStorageUrl(text);
  if ('problem' in url) throw invalid(`the storage ${url.problem}`);
  const { scheme, parameters } = url;
  const known = [...own, ...COMMON];
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue;
    throw invalid(
      `a storage at ${scheme}:// has no parameter "${name}"; it has: ${known.join(', ')}`,
    );
  }
  const endpoint = parameters.get('endpoint');
  const encoding = choice(parameters, 'encoding', ['plain', 'gzip']);
  const level = choice(parameters, 'gzip_level', ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  return {
    url,
    options: { encoding, gzipLevel: level === undefined ? undefined : Number(level) },
    endpoint: endpoint === undefined ? undefined : requireEndpoint(endpoint),
    anonymous: choice(parameters, 'anonymous', ['true', 'false']) === 'true',
  };
}

/** A parameter that is one of a few values. @throws StorageError PATH_INVALID */
function choice<Value extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const given = parameters.get(name);
  if (given === undefined) return undefined;
  const found = values.find((value) => value === given);
  if (found) return found;
  throw invalid(`the parameter "${name}" of a storage must be ${values.join(' or ')}`);
}

/** The address of another server than the vendor's. @throws StorageError PATH_INVALID */
function requireEndpoint(text: string): string {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // reported below
  }
  const plain = url && url.username === '' && url.password === '' && url.search === '';
  if (plain && /^https?:$/.test(url!.protocol)) return text.replace(/\/+$/, '');
  throw invalid(
    'the parameter "endpoint" of a storage must be an address such as https://host:port',
  );
}

function invalid(why: string): StorageError {
  return new StorageError('PATH_INVALID', '', why);
}
