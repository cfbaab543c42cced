const MOST_NAME_BYTES = 255;
/** Linux allows 4096 bytes. The rest is room for our own names below the folder. */
const MOST_PATH_BYTES = 3800;

/**
 * What is wrong with a folder's path, as the end of a sentence that begins with its name. Undefined:
 * nothing.
 */
export function whyNoFolder(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must be an absolute path (workers may run elsewhere)';
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'must have no control characters';
  if (path.split('/').some((name) => utf8Bytes(name) > MOST_NAME_BYTES)) {
    return `must have names of at most ${MOST_NAME_BYTES} bytes`;
  }
  if (utf8Bytes(path) > MOST_PATH_BYTES) return `must have at most ${MOST_PATH_BYTES} bytes`;
  return undefined;
}

function utf8Bytes(text: string): number {
  return [...text].reduce((bytes, char) => {
    const code = char.codePointAt(0)!;
    return bytes + (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
  }, 0);
}
