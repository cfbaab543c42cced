/** The second storage of a coordinator: its settings, and how much of the first one it lacks. */
import { expect, it } from 'vitest';
import { parseCoordinatorInput, parseDueInput } from '../../src/contract/coordinator-input.js';
import { parseCopyInput } from '../../src/contract/copy-input.js';
import { copyInputOf, copyLag, isNoLag } from '../../src/contract/kept-copy.js';

const input = { node: 'http://localhost:6186', storage: { local_fs_dir: '/backups' } };
const run = (first: number, last: number) => ({ first: `${first}`, last: `${last}` });

it('a coordinator takes the second storage in all forms of a storage, and hands it on to its copies', () => {
  expect(parseCoordinatorInput(input).copyTo).toBeUndefined();
  for (const copy_to of ['s3://bucket/two', { url: 's3://bucket/two' }]) {
    const settings = parseCoordinatorInput({ ...input, copy_to, copy_bytes_per_second: '5000' });
    expect(settings).toMatchObject({
      copyTo: { url: 's3://bucket/two' },
      copyLimits: { bytesPerSecond: 5000 },
    });
    const copy = copyInputOf(settings)!;
    expect(parseCopyInput(copy)).toMatchObject({
      settings: { from: input.storage, to: settings.copyTo },
      limits: { bytesPerSecond: 5000 },
      scope: {},
    });
  }
});

it.each([
  [{ copy_to: 'file:///backups' }, /^copy_to is the storage itself: \/backups$/],
  [{ copy_to: '/two' }, /^copy_to storage /],
  [{ copy_bytes_per_second: 10 }, /^limits of a copy were given without copy_to/],
  [
    { copy_to: 'gs://bucket/p', copy_requests_per_second: 0 },
    /^copy_requests_per_second must be a whole number from 1/,
  ],
  [{ copyto: 'gs://bucket/p' }, /unknown field "copyto", did you mean "copy_to"\?/],
])('%j is refused', (more, why) => {
  expect(() => parseCoordinatorInput({ ...input, ...more })).toThrow(why);
});

it('one turn of a coordinator keeps no copy', () => {
  expect(() => parseDueInput({ ...input, copy_to: 's3://bucket/two' })).toThrow(/unknown field/);
});

it('the lag counts what is missing, also in the middle, and nothing that the copy has beside', () => {
  const survey = { epochs: [run(0, 4)], versions: [run(0, 999)], snapshots: ['4', '2', '0'] };
  const has = { epochs: [run(0, 3)], versions: [run(0, 9), run(20, 2000)], snapshots: ['2', '0'] };
  expect(copyLag(survey, has)).toEqual({ versions: 10n, epochs: 1n, snapshots: 1 });
  expect(isNoLag(copyLag(survey, survey))).toBe(true);
});
