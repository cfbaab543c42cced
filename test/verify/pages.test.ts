/** Pages of a verification are bounded whatever one backup has, and together they are everything. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeStateSnapshotManifest } from '../../src/aptos/files/manifest.js';
import { encodeMetadataLine, metadataFileName } from '../../src/aptos/files/metadata.js';
import type { UnitSlice, VerifyCursor } from '../../src/plan/verify.js';
import { openStorage } from '../../src/storage/open.js';
import { nextTasks } from '../../src/verify/tasks.js';
import { WHOLE_STORAGE } from '../../src/verify/verify-storage.js';
import { storageFolder } from '../support/backup.js';

const CHUNKS = 10_000;
const CHUNK_BYTES = 134_217_728;

it('a snapshot of ten thousand chunks is verified page by page', async () => {
  const folder = storageFolder();
  const name = 'state_epoch_9_ver_4000000000.0000';
  const manifest = `${name}/state.manifest`;
  const key = (i: number) => i.toString(16).padStart(64, '0');
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(
    join(folder, manifest),
    encodeStateSnapshotManifest({
      version: 4_000_000_000n,
      epoch: 9n,
      rootHash: key(0),
      chunks: Array.from({ length: CHUNKS }, (_, i) => ({
        firstIdx: BigInt(i),
        lastIdx: BigInt(i),
        firstKey: key(i + 1),
        lastKey: key(i + 1),
        blobs: `${name}/${i}-.chunk`,
        proof: `${name}/${i}-${i}.proof`,
        extra: { bytes: BigInt(CHUNK_BYTES) },
      })),
      proof: `${name}/state.proof`,
    }),
  );
  const line = {
    type: 'StateSnapshotBackup' as const,
    ...{ epoch: 9n, version: 4_000_000_000n, manifest },
  };
  mkdirSync(join(folder, 'metadata'));
  writeFileSync(join(folder, 'metadata', metadataFileName(line)), encodeMetadataLine(line));

  const slices: UnitSlice[] = [];
  let cursor: VerifyCursor | undefined;
  let pages = 0;
  do {
    const page = await nextTasks(openStorage({ local_fs_dir: folder }), WHOLE_STORAGE, cursor);
    expect(JSON.stringify(page).length).toBeLessThan(100_000);
    slices.push(...page.tasks.flatMap((task) => ('slice' in task ? task.slice : [])));
    cursor = page.next;
    pages += 1;
  } while (cursor);
  expect(pages).toBeGreaterThan(50);
  let next = 0;
  for (const { from, to, of } of slices) {
    expect([from, of]).toEqual([next, CHUNKS]);
    next = to;
  }
  expect(next).toBe(CHUNKS);
});
