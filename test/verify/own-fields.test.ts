/** A manifest of ours has all fields that its commit added, or it is damaged. */
import { expect, it } from 'vitest';
import { requireOwnFields } from '../../src/verify/own-fields.js';

const digest = 'ab'.repeat(32);
const chunk = { bytes: 7n, sha256: digest, proof_sha256: digest, proven: 'signed' };
const manifest = (extra: object, top: object = { proven: 'signed' }) => ({
  extra: { ...top },
  chunks: [{ extra: { ...chunk } }, { extra: { ...extra } }],
});

it('a manifest may have all of our fields or none of them, and unknown fields beside them', () => {
  requireOwnFields(manifest({ ...chunk, later: 'x' }), true);
  requireOwnFields({ extra: { later: 'x' }, chunks: [{}, { extra: { later: 'x' } }] }, true);
  requireOwnFields({ chunks: [] }, false);
});

it.each(Object.keys(chunk))('the error names a missing %s and its chunk', (name) => {
  const { [name as keyof typeof chunk]: _, ...rest } = chunk;
  const said = () => requireOwnFields(manifest({ ...rest, [`${name}x`]: 'x' }), true);
  expect(said).toThrow(`its chunk number 2 has no ${name}`);
});

it.each([
  ['a wrong word for how it is proven', { proven: 'rigned' }],
  ['no word for how it is proven', {}],
  ['half a waypoint', { proven: 'chained to waypoint 5:ab' }],
])('a manifest is refused that has %s', (_name, top) => {
  expect(() => requireOwnFields(manifest(chunk, top), true)).toThrow('it has no proven');
});
