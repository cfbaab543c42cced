/**
 * A state of two billion items in ten thousand chunks, with the real planning and the real workflows: no
 * history passes 2,000 events and no payload 100 KB.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RangeTask } from '../../src/backup/range/range-thread-messages.js';
import { startBackup } from '../../src/client/start-backup.js';
import type { Job } from '../../src/contract/job.js';
import { type Unit, planRanges, segmentSize } from '../../src/contract/unit.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { INPUT, committed, prepared, stored } from '../support/units.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('histories and payloads of a state of two billion items stay within their limits', async () => {
  const ITEMS = 2_000_000_000n;
  let unit: Unit | undefined;
  const seen = new Set<string>();
  const activities = {
    planUnit: (job: Job, lanes: number) => {
      const { maxChunkSize } = job;
      const ranges = planRanges({ records: ITEMS, averageRecordBytes: 617, maxChunkSize, lanes });
      const planned: Unit = {
        kind: 'state_snapshot',
        folder: 'state_epoch_9_ver_4000000000.0000',
        first: '0',
        records: `${ITEMS}`,
        ...ranges,
        epoch: '9',
        version: '4000000000',
        rootHash: 'ab'.repeat(32),
        proven: 'signed',
      };
      unit = planned;
      return Promise.resolve(prepared(planned));
    },
    backUpRange: (task: RangeTask) => {
      seen.add(task.range.first);
      return Promise.resolve(stored(task));
    },
    commitUnit: (_job: Job, done: Unit) => Promise.resolve(committed(done)),
  };
  const result = await withActivities(session, activities, async () => {
    const input = { ...INPUT, epoch: '9', concurrency: 50 };
    const handle = await startBackup(session.client, 'state_snapshot', input);
    return { value: await handle.result(), id: handle.workflowId };
  });
  expect(result.value.records).toBe(`${ITEMS}`);
  expect(unit!.rangeCount).toBeGreaterThan(9_500);
  expect(seen.size).toBe(unit!.rangeCount);

  const ids = [result.id];
  for (let n = 1; n <= Math.ceil(unit!.rangeCount / segmentSize(unit!)); n += 1) {
    ids.push(`${result.id}/segment/${String(n).padStart(5, '0')}`);
  }
  let largest = 0;
  for (const id of ids) {
    const { events } = await session.client.workflow.getHandle(id).fetchHistory();
    expect(events!.length, id).toBeLessThan(2_000);
    for (const event of events!) largest = Math.max(largest, sizeOf(event));
  }
  expect(largest).toBeLessThan(100_000);
}, 600_000);

/** Counts the whole event, not only its payloads. */
function sizeOf(event: object): number {
  let size = 0;
  JSON.stringify(event, (_key, value: unknown) => {
    if (value instanceof Uint8Array) {
      size += value.length;
      return undefined;
    }
    if (typeof value === 'string') size += value.length;
    return typeof value === 'bigint' ? `${value}` : value;
  });
  return size;
}
