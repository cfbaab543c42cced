import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { replaceFile } from '../lib/host/replace-file.js';
import { keptEvents } from './event-log.js';
import { keptHistory } from './stream-history.js';

/** What of a page outlives its process, so that a restart does not empty its curves and its events. */
type KeptPage = v.InferOutput<typeof keptPage>;
const keptPage = v.object({ version: v.literal(1), history: keptHistory, events: keptEvents });

/** The file of a coordinator's page in a data folder. */
export function pageFileOf(dataFolder: string, workflowId: string): string {
  // The middle part is of the storage alone, and safe in a path.
  const name = workflowId.split('/').at(-2) ?? '';
  return path.join(dataFolder, 'page', `${name.replace(/[^\w.-]/g, '-')}.json`);
}

/** What the file says; undefined when there is none, or when it cannot be used: then the page begins anew. */
export function readPage(file: string): KeptPage | undefined {
  try {
    return v.parse(keptPage, JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Puts a whole new file into the place of the old one. @throws the error of the file system */
export function writePage(file: string, kept: KeptPage): void {
  replaceFile(file, JSON.stringify(kept));
}
