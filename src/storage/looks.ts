import { StorageError } from './storage-error.js';

/** What the first bytes of a metadata file show: JSON, plain or gzip'd, or an unknown form. */
export type Looks = 'json' | 'gzip' | 'nothing' | Foreign;

export interface Foreign {
  /** The end of a sentence that begins with "it looks like". */
  like: string;
  /** Certainly compressed or encrypted: its writer can read it, and we cannot. */
  packed: boolean;
}

/** Number of bytes that are enough to tell. */
export const HEAD_BYTES = 64;

const PACKED: readonly [signature: string, what: string][] = [
  ['28b52ffd', 'a zstd file'],
  ['fd377a585a00', 'an xz file'],
  ['425a68', 'a bzip2 file'],
  ['04224d18', 'an lz4 file'],
  ['02214c18', 'an lz4 file'],
  ['ff060000734e61507059', 'a snappy file'],
  ['894c5a4f', 'an lzop file'],
  ['4c5a4950', 'an lzip file'],
  ['504b0304', 'a zip archive'],
  ['377abcaf271c', 'a 7z archive'],
  ['1f9d', 'a file of `compress`'],
  ['7801', 'a zlib file'],
  ['785e', 'a zlib file'],
  ['789c', 'a zlib file'],
  ['78da', 'a zlib file'],
  [hexOf('age-encryption.org'), 'a file encrypted with age'],
  [hexOf('-----BEGIN '), 'an encrypted file'],
  [hexOf('Salted__'), 'a file encrypted with OpenSSL'],
  [hexOf('RCLONE\0\0'), 'a file encrypted with rclone'],
];

/** Whether a file begins like gzip. For a file of only two bytes: whether it may be gzip. */
export function isGzip(head: Uint8Array): boolean {
  const [first, second, method = 8, flags = 0] = head;
  return first === 0x1f && second === 0x8b && method === 8 && (flags & 0xe0) === 0;
}

/** `bytes`: the beginning of a file, or all of it. */
export function looksOf(bytes: Uint8Array): Looks {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES));
  if (head.every((byte) => byte === 0)) return 'nothing'; // what a crash leaves
  if (isGzip(head)) return 'gzip';
  const text = head.toString('latin1').trimStart();
  if (text.startsWith('{')) return 'json';
  const hex = head.toString('hex');
  const known = PACKED.find(([signature]) => hex.startsWith(signature));
  if (known) return { like: known[1], packed: true };
  if (text.startsWith('<')) return { like: 'a page of HTML or XML', packed: false };
  const isText = /^[\t\r\n\x20-\x7e]*$/.test(text);
  return { like: isText ? 'text that is not JSON' : 'neither JSON nor gzip', packed: false };
}

/**
 * Refuses a storage whose metadata has a form that we cannot read. Nobody knows what it holds, so nothing
 * may be added. A single damaged file is no reason to refuse.
 * @throws StorageError ENCODING_UNKNOWN
 */
export function requireUnderstood(
  description: string,
  foreign: readonly (Foreign & { handle: string })[],
  understood: number,
): void {
  const worst = foreign.find(({ packed }) => packed) ?? foreign[0];
  if (!worst || (!worst.packed && foreign.length <= understood)) return;
  const why = `${worst.handle} in ${description} looks like ${worst.like}, and metadata can only be read plain or gzip'd: what the storage holds is not known, so nothing was written. Decode its files, plain or gzip'd, or move what is no metadata out of metadata/`;
  throw new StorageError('ENCODING_UNKNOWN', worst.handle, why);
}

function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}
