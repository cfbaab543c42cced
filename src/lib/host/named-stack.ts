import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';

/** A place in a built program, as stacks name it. */
const PLACE = /(?:file:\/\/)?(\/[^\s():]+\.js):(\d+):(\d+)/g;

/** What was looked up: work that fails, fails again at the same places. */
const known = new Map<string, string>();

/**
 * A stack with the names and lines of our sources in place of those of the built program, which is a few large files. It
 * reads source maps only when it is asked, because to load them with the program costs time at each start.
 */
export function namedStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replaceAll(PLACE, (place: string, file: string, line: string, column: string) => {
    const name = known.get(place);
    if (name !== undefined) return name;
    if (!maps.has(file)) maps.set(file, mapOf(file));
    const found = nameOf(maps.get(file), Number(line) - 1, Number(column) - 1) ?? place;
    known.set(place, found);
    return found;
  });
}

function nameOf(map: SourceMap | undefined, line: number, column: number): string | undefined {
  const found = map?.findEntry(line, column);
  if (!found || !('originalSource' in found)) return undefined;
  const source = found.originalSource.replace(/^(\.\.\/)+/, '');
  // The maps name the files of others, without lines.
  if (source.startsWith('node_modules/')) return source;
  return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
}

/** Nothing for a file that has none. */
function mapOf(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
