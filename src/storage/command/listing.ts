import { METADATA } from '../handles.js';

/** `find .` puts `./` before each name. */
const HANDLE = new RegExp(`^(?:\\./)*${METADATA}/+([a-zA-Z0-9][a-zA-Z0-9._-]*)$`);
/** What stores show for a folder: its own mark, folders in it, and hidden files such as `.keep`. */
const FOLDER = new RegExp(`^(?:\\./)*${METADATA}(/|/.*/|/?\\.{1,2}|/\\.[^/]*|/PRE)?$`);

/** What a listing command printed: names of metadata files, and lines that are no handles of such. */
export function parseListing(output: string): { names: string[]; foreign: string[] } {
  const names = new Set<string>();
  const foreign = new Set<string>();
  for (const raw of output.split('\n')) {
    const line = raw.trim();
    if (line === '' || FOLDER.test(line)) continue;
    const name = HANDLE.exec(line)?.[1];
    if (name === undefined) foreign.add(line);
    else names.add(name);
  }
  return { names: [...names], foreign: [...foreign] };
}
