/** Very damaged metadata files cost no more than others, and their good lines are kept. */
import { expect, it } from 'vitest';
import { encodeMetadataLine, parseMetadataFile } from '../../../src/aptos/files/metadata.js';

const good = encodeMetadataLine({
  ...{ type: 'TransactionBackup', manifest: 'a/transaction.manifest' },
  ...{ firstVersion: 2n ** 60n, lastVersion: 2n ** 60n + 9n },
});

it('a bad line of metadata hides no other line', () => {
  const { lines, errors } = parseMetadataFile(Buffer.concat([good, Buffer.from('{\n\n'), good]));
  expect(lines.map((line) => 'firstVersion' in line && line.firstVersion)).toEqual([
    2n ** 60n,
    2n ** 60n,
  ]);
  expect(errors.map(({ message }) => message.split(':')[0])).toEqual(['line 2', 'line 3']);
});

it('a file with very many bad lines is not read to its end, and the first bad lines are reported', () => {
  const { lines, errors } = parseMetadataFile(Buffer.concat([good, Buffer.alloc(64 << 20, '\n')]));
  expect(lines).toHaveLength(1);
  expect(errors).toHaveLength(1001);
  expect(errors.at(-1)!.message).toMatch(/^line 1002 and all after it were not read/);
});
