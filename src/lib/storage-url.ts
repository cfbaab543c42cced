/** The schemes of URLs that name a storage, beside `file`, which names a local folder. */
export const STORAGE_SCHEMES = ['s3', 'gs', 'azblob'] as const;
export type StorageScheme = (typeof STORAGE_SCHEMES)[number];

/** A storage in a bucket, as its URL names it: `s3://bucket/prefix?region=...`. All parts are decoded. */
export interface StorageUrl {
  scheme: StorageScheme;
  /** The bucket. With Azure, the account. */
  bucket: string;
  /** With Azure only: `azblob://account/container/prefix`. */
  container?: string;
  /** Folders in the bucket, with `/` between them; '' for none. */
  prefix: string;
  parameters: ReadonlyMap<string, string>;
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,221}$/;
const CONTAINER = /^[a-z0-9$][a-z0-9-]{2,62}$/;
const PARAMETER = /^[a-z][a-z0-9_-]{0,40}$/i;
/** Names of parameters that hold credentials, which a URL must not have. */
const CREDENTIAL = /key|secret|token|passw|credential|signature|auth|^(sig|sas|user(name)?)$/i;
/** A URL with a user, or with one of the parameters above, as a value. */
const CREDENTIAL_VALUE = /\/\/[^/]*@|(key|secret|token|passw\w*|credential|signature|sig)=/i;
const MOST_LENGTH = 2_000;

/**
 * Reads a URL. `problem` says what is wrong with it: it follows the word "storage", and shows nothing that may be
 * secret. Pure, because workflows check their input with it.
 */
export function readStorageUrl(text: string): StorageUrl | { problem: string } {
  const [, scheme = '', authority = '', path = '', query = '', fragment] =
    /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(text) ?? [];
  const known = STORAGE_SCHEMES.find((one) => one === scheme.toLowerCase());
  if (!known) {
    const kinds = STORAGE_SCHEMES.map((one) => `${one}://`).join(', ');
    return { problem: `must be a URL that begins with ${kinds} or file:///` };
  }
  if (authority.includes('@')) {
    const why =
      'must have no user and no password in its URL: credentials come from the environment';
    return { problem: `${why} of the workers` };
  }
  if (/[\s\u0000-\u001f\u007f\\]/.test(text) || fragment !== undefined) {
    return { problem: 'must be a URL without blanks, control characters, "\\" and "#"' };
  }
  if (text.length > MOST_LENGTH) {
    return { problem: `must be a URL of at most ${MOST_LENGTH} characters` };
  }
  const parameters = readParameters(query);
  if ('problem' in parameters) return parameters;
  const folders = readFolders(path);
  if (!folders) {
    return { problem: 'must be a URL with plain folder names: none empty, "." or ".."' };
  }
  return inBucket(known, authority, folders, parameters);
}

function inBucket(
  scheme: StorageScheme,
  bucket: string,
  folders: string[],
  parameters: ReadonlyMap<string, string>,
): StorageUrl | { problem: string } {
  const form =
    scheme === 'azblob' ? 'azblob://account/container/prefix' : `${scheme}://bucket/prefix`;
  const whole = `must have the form ${form}`;
  if (!BUCKET.test(bucket)) {
    const what = scheme === 'azblob' ? 'account' : 'bucket';
    return { problem: `${whole}: the name of the ${what} is not valid` };
  }
  if (scheme !== 'azblob') return { scheme, bucket, prefix: folders.join('/'), parameters };
  const [container = '', ...rest] = folders;
  if (!CONTAINER.test(container)) {
    return { problem: `${whole}: the name of the container is not valid` };
  }
  return { scheme, bucket, container, prefix: rest.join('/'), parameters };
}

/** The text of a URL. Equal for equal parts, in whatever order the parameters were given. */
export function storageUrlText({
  scheme,
  bucket,
  container,
  prefix,
  parameters,
}: StorageUrl): string {
  const folders = [...(container === undefined ? [] : [container]), ...prefix.split('/')];
  const path = folders.filter((folder) => folder !== '').map(encoded);
  const query = [...parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encoded(value)}`)
    .join('&');
  return `${scheme}://${[bucket, ...path].join('/')}${query && `?${query}`}`;
}

/** Encodes only what must be encoded, because people read the text. */
function encoded(text: string): string {
  return encodeURI(text).replace(/[?#&+;]/g, encodeURIComponent);
}

function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    return /[\u0000-\u001f\u007f\\]/.test(plain) ? undefined : plain;
  } catch {
    return undefined;
  }
}

/** Splits a path. Slashes at its end are ignored. Undefined when a folder name is not plain. */
function readFolders(path: string): string[] | undefined {
  const folders = path
    .replace(/\/+$/, '')
    .split('/')
    .slice(1)
    .map((folder) => decoded(folder));
  const plain = folders.filter(
    (folder) => folder !== undefined && !['', '.', '..'].includes(folder) && !folder.includes('/'),
  );
  return plain.length === folders.length ? (plain as string[]) : undefined;
}

function readParameters(query: string): ReadonlyMap<string, string> | { problem: string } {
  const found = new Map<string, string>();
  for (const part of query.split('&').filter((one) => one !== '')) {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    if (!PARAMETER.test(name)) return { problem: 'must be a URL with parameters like name=value' };
    const value = at < 0 ? undefined : decoded(part.slice(at + 1));
    if (CREDENTIAL.test(name) || CREDENTIAL_VALUE.test(value ?? '')) {
      const why = `must have no credentials in its URL, as in "${name}"`;
      return { problem: `${why}: they come from the environment of the workers` };
    }
    if (value === undefined || value === '') {
      return { problem: `must be a URL with a value for its parameter "${name}"` };
    }
    if (found.has(name)) return { problem: `must be a URL with its parameter "${name}" once` };
    found.set(name, value);
  }
  return found;
}
