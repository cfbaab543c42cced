/** What a person types is refused before anything starts when nothing could ever come of it. */
import { expect, it } from 'vitest';
import { parseNode, parseStorage } from '../../src/plan/input.js';

it.each([
  'http://localhost:abc',
  'http://node:618600',
  'http://node:0',
  'http://[::1',
  'http://[::1]]:6186',
  'http://?',
  'http://#',
  'http://:6186',
  'http://1.2.3.4.5',
  'http://node:6186?x=1',
  'http://node:6186/path#x',
  'http://user@node:6186',
  'ftp://node:6186',
])('%s is no address of a node', (address) => {
  expect(() => parseNode(address)).toThrow(/^node must be the URL of a backup service, .*not "/);
});

it.each([
  ['http://localhost:6186', 'http://localhost:6186'],
  ['http://localhost', 'http://localhost'],
  ['https://node.example:443//', 'https://node.example:443'],
  ['http://[::1]:6186/', 'http://[::1]:6186'],
  ['http://10.0.0.1:65535/a/b%20c/', 'http://10.0.0.1:65535/a/b%20c'],
  ['http://my_node:1', 'http://my_node:1'],
])('%s is one', (address, kept) => {
  expect(parseNode(address)).toBe(kept);
});

it('no path has a NUL in it', () => {
  expect(() => parseStorage({ local_fs_dir: '/a\0b' })).toThrow(/^storage.local_fs_dir .* NUL/);
});
