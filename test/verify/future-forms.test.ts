/** Stored data of an unknown form is unproven, not damaged. Damaged data is reported as damaged. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STOCK } from '../support/storage-copy.js';
import { Subject } from './damages/subject.js';

it('a ledger info of an unknown variant is unproven, and the finding names its epoch', async () => {
  const s = new Subject(join(STOCK, 'stock-plain'));
  const chunk = s.epochChunk(0);
  s.editRecords(chunk, (records) => {
    records.at(-1)![0] = 3;
    return records;
  });
  const { findings } = await s.verify();
  const [first] = findings;
  expect(first).toMatchObject({ object: chunk, code: 'UNPROVEN' });
  expect(first!.why).toMatch(
    /^epoch \d+: variant 3 of LedgerInfoWithSignatures .*update aptos-backup/,
  );
});

it('a transaction and a state key of an unknown variant are damaged if the hashes show it', async () => {
  const s = new Subject(join(STOCK, 'stock-plain'));
  s.editRecords(s.blobs(1), (records) => {
    records[2]![0] = 9;
    return records;
  });
  s.editRecords(s.chunkOf(1), (records) => {
    records[1]![0] = 9;
    return records;
  });
  const { findings } = await s.verify();
  expect(findings.map(({ code }) => code)).toEqual(['DAMAGED', 'DAMAGED']);
  expect(findings.map(({ object }) => object).sort()).toEqual([s.blobs(1), s.chunkOf(1)].sort());
});
