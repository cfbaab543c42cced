import { type Dirent, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { type DevnodeOptions, type Devnode, startDevnode } from '../../src/devnode/devnode.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { temporaryFolder } from './temporary-folder.js';

export { type Setup, type Target, backUp, jobOf } from './back-up.js';

/** A simulated node that is closed at the end of the test. */
export async function devnode(options: DevnodeOptions = {}): Promise<Devnode> {
  const node = await startDevnode({ transactions: 400, stateItems: 600, epochs: 4, ...options });
  onTestFinished(() => node.close());
  return node;
}

/** A folder for backups that is removed at the end of the test. */
export function storageFolder(): string {
  const folder = temporaryFolder('storage');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

/** Metadata lines' names, without the storage's identity. */
export function committedNames(folder: string): string[] {
  try {
    const names = readdirSync(join(folder, 'metadata'));
    // Hidden files are unfinished.
    return names.filter((name) => name !== 'identity.meta' && !name.startsWith('.'));
  } catch {
    return [];
  }
}

/** All names below a folder that is in use. */
export function namesBelow(folder: string): string[] {
  return entriesBelow(folder).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** All that is below a folder in use. One that went before it was read is looked at again with all others. */
export function entriesBelow(folder: string): Dirent[] {
  for (let looks = 1; ; looks += 1) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || looks === 20) throw error;
    }
  }
}

/** Unfinished files that are left in a storage. */
export function leftovers(folder: string): string[] {
  return namesBelow(folder).filter((name) => name.endsWith('.part'));
}

/** A backup's chunk files, in order, as one buffer; and each proof with the path to ask a node for. */
export function contentOf(folder: string, result: Pick<BackupResult, 'manifest'>) {
  const manifest = JSON.parse(readFileSync(join(folder, result.manifest), 'utf8')) as {
    chunks: Record<string, string | number>[];
    proof?: string;
  };
  const read = (handle: string) => readFileSync(join(folder, handle));
  const files = manifest.chunks.map((chunk) =>
    read(String(chunk['transactions'] ?? chunk['blobs'] ?? chunk['ledger_infos'])),
  );
  return { manifest, read, files, payload: Buffer.concat(files) };
}

export async function fetchBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
