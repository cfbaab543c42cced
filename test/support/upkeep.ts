import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type PruneInput, parsePruneInput } from '../../src/contract/retention-input.js';
import type { BackupStorage } from '../../src/storage/storage.js';
import { openStorage } from '../../src/storage/open.js';
import { type GcPageOrder, gcPage } from '../../src/upkeep/gc/gc.js';
import { retirePage } from '../../src/upkeep/retention/retire.js';

/** Tools of a job that keeps a storage in order. */
export function upkeepTools(storage: BackupStorage, owner = 'test') {
  return {
    storage,
    holder: { owner, host: 'here', workflow: 'test' },
    signal: AbortSignal.timeout(100_000),
    report: () => undefined,
    isRunning: () => Promise.resolve(false),
  };
}

/** Retires all that the rules give up. Returns how many backups. */
export async function prune(
  folder: string,
  rules: Omit<PruneInput, 'storage'>,
  storage = openStorage({ local_fs_dir: folder }),
): Promise<number> {
  const order = parsePruneInput({ storage: { local_fs_dir: folder }, ...rules });
  let count = 0;
  for (;;) {
    const page = await retirePage(order, upkeepTools(storage));
    count += page.count;
    if (!page.more) return count;
  }
}

export function gc(
  folder: string,
  order: GcPageOrder = {},
  storage = openStorage({ local_fs_dir: folder }),
) {
  return gcPage(order, upkeepTools(storage));
}

type Line = Record<string, { manifest?: string }>;

/**
 * The folders of all backups that metadata names, after a look at each: fails when a file that its manifest names is not
 * there. Reads the plain files itself, and shares no code with what it checks.
 */
export function committedFolders(folder: string): string[] {
  const lines = readdirSync(join(folder, 'metadata'))
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      readFileSync(join(folder, 'metadata', name), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((text) => Object.values(JSON.parse(text) as Line)[0]!);
  const manifests = new Set(lines.flatMap(({ manifest }) => manifest ?? []));
  for (const manifest of manifests) {
    const { chunks, proof } = JSON.parse(readFileSync(join(folder, manifest), 'utf8')) as {
      chunks: Record<string, unknown>[];
      proof?: string;
    };
    const named = [proof, ...chunks.flatMap((chunk) => Object.values(chunk))];
    for (const handle of named) {
      if (typeof handle !== 'string' || !/\.(chunk|proof)$/.test(handle)) continue;
      if (!existsSync(join(folder, handle))) throw new Error(`${handle} is gone`);
    }
  }
  return [...manifests].map((manifest) => manifest.split('/')[0]!).sort();
}
