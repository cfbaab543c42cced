/** A manifest is verified up to a size limit. Beyond it is a finding. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TaskResult, UnitSlice } from '../../src/contract/verification.js';
import { openStorage } from '../../src/storage/open.js';
import { nextTasks } from '../../src/verify/tasks.js';
import { runInThread } from '../../src/verify/thread/run-in-thread.js';
import { WHOLE_STORAGE } from '../../src/verify/verify-storage.js';
import { storageFolder } from '../support/backup.js';
import { writeLargeSnapshot } from './large-snapshot.js';

/** The most that a backup of ours has. */
const CHUNKS = 100_000;

function runSlice(folder: string, slice: UnitSlice): Promise<TaskResult> {
  const storage = { local_fs_dir: folder };
  const task = { kind: 'state_snapshot' as const, slice };
  const watch = { signal: new AbortController().signal, onProgress: () => undefined };
  return runInThread({ storage, task, again: false, endings: [], trusted: [] }, watch);
}

it('one slice of a snapshot of a hundred thousand chunks is checked within the memory of a thread', async () => {
  const folder = storageFolder();
  const manifest = writeLargeSnapshot(folder, CHUNKS);
  const page = await nextTasks(openStorage({ local_fs_dir: folder }), WHOLE_STORAGE, undefined);
  const task = page.tasks.find((t) => t.kind === 'state_snapshot')!;
  expect(task.slice).toMatchObject({ manifest, from: 0, of: CHUNKS });
  const slice = { ...task.slice, from: CHUNKS - 2, to: CHUNKS - 1 };
  const { findings } = await runSlice(folder, slice);
  const lost = [
    'state.proof',
    `${CHUNKS - 2}-${CHUNKS - 2}.proof`,
    `${CHUNKS - 3}-${CHUNKS - 3}.proof`,
    `${CHUNKS - 2}-.chunk`,
  ];
  expect(findings.map(({ object, code }) => [object.split('/')[1], code])).toEqual(
    lost.map((name) => [name, 'MISSING']),
  );
});

it.each([
  ['of more values than any backup has', Buffer.from(`[${'[],'.repeat(5_000_000)}[]]`)],
  ['larger than any backup has', Buffer.alloc(150_000_000, ' ')],
])('a manifest %s is not read, and is a finding', async (_, content) => {
  const folder = storageFolder();
  const manifest = writeLargeSnapshot(folder, 1);
  writeFileSync(join(folder, manifest), content);
  const page = await nextTasks(openStorage({ local_fs_dir: folder }), WHOLE_STORAGE, undefined);
  const task = page.tasks.find((t) => t.kind === 'state_snapshot')!;
  const { findings } = await runSlice(folder, task.slice);
  expect(findings).toMatchObject([{ object: manifest, code: 'DAMAGED' }]);
  expect(findings[0]!.why).toMatch(/more than 4000000|larger than 134217728/);
});

it('a manifest whose number of chunks changed after planning is a finding', async () => {
  const folder = storageFolder();
  const manifest = writeLargeSnapshot(folder, 3);
  const page = await nextTasks(openStorage({ local_fs_dir: folder }), WHOLE_STORAGE, undefined);
  const task = page.tasks.find((t) => t.kind === 'state_snapshot')!;
  const { findings } = await runSlice(folder, { ...task.slice, from: 0, to: 0, of: 0 });
  expect(findings).toMatchObject([{ object: manifest, code: 'DAMAGED' }]);
});
