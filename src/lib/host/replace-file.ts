import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeMissingSync } from './make-folders.js';

/**
 * Puts a whole new file, which only its owner may read, into the place of the old one. Makes its folder.
 * @throws the error of the file system; the old file is there then
 */
export function replaceFile(file: string, content: string): void {
  const temporary = `${file}.${process.pid}`;
  makeMissingSync(path.dirname(file));
  try {
    // Flushed before the rename: otherwise a power cut could leave an empty file.
    writeFileSync(temporary, content, { mode: 0o600, flush: true });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
