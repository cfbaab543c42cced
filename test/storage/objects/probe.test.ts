import { expect, it } from 'vitest';
import { requireFit } from '../../../src/storage/objects/object-probe.js';
import type { ObjectStore } from '../../../src/storage/objects/object-store.js';
import { StorageError } from '../../../src/storage/storage-error.js';
import { anyCall } from '../../support/gcs-bucket.js';

it('All jobs that wait for the probe of a slow store hear that it gets on.', async () => {
  let begun = 0;
  const slow: Partial<ObjectStore> = {
    identity: 'slow',
    description: 'bucket slow',
    async *list(_prefix, _options, { progress }) {
      begun += 1;
      await Promise.resolve(); // by now, all jobs wait
      progress();
      yield { objects: [], folders: [] };
      throw new Error('that is enough');
    },
  };
  const jobs = [anyCall(), anyCall(), anyCall()];
  const probes = jobs.map((job) => requireFit(slow as ObjectStore, job));
  await Promise.all(probes.map((probe) => expect(probe).rejects.toThrow('that is enough')));
  expect(begun).toBe(1);
  expect(jobs.map(({ progressed }) => progressed)).toEqual([1, 1, 1]);
});

it('A probe that hangs is ended for that reason, and begun anew by the next job.', async () => {
  const begun: AbortSignal[] = [];
  const hanging: Partial<ObjectStore> = {
    identity: 'hanging',
    description: 'bucket hanging',
    async *list(_prefix, _options, { signal }) {
      begun.push(signal);
      await new Promise(() => undefined);
      yield { objects: [], folders: [] };
    },
  };
  const stop = new AbortController();
  const first = requireFit(hanging as ObjectStore, anyCall(stop.signal));
  stop.abort(new StorageError('STORAGE_STALLED', '', 'silent'));
  await expect(first).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
  expect(begun[0]!.reason).toMatchObject({ code: 'STORAGE_STALLED' });
  void requireFit(hanging as ObjectStore, anyCall());
  expect(begun).toHaveLength(2);
  expect(begun[1]!.aborted).toBe(false);
});
