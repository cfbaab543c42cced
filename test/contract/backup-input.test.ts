/** An input that can never work is refused before anything starts. */
import { expect, it } from 'vitest';
import { parseNode, parseStorage } from '../../src/contract/backup-input.js';
import { parseCoordinatorInput } from '../../src/contract/coordinator-input.js';

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
  `http://node:6186/${'x'.repeat(2_000)}`,
])('%s is not accepted as the address of a node', (address) => {
  expect(() => parseNode(address)).toThrow(/^node must be the URL of a backup service, .*not "/);
});

it.each([
  ['http://localhost:6186', 'http://localhost:6186'],
  ['http://localhost', 'http://localhost'],
  ['https://node.example:443//', 'https://node.example:443'],
  ['http://[::1]:6186/', 'http://[::1]:6186'],
  ['http://10.0.0.1:65535/a/b%20c/', 'http://10.0.0.1:65535/a/b%20c'],
  ['http://my_node:1', 'http://my_node:1'],
])('%s is accepted as the address of a node', (address, kept) => {
  expect(parseNode(address)).toBe(kept);
});

it.each([
  ['a NUL', '/a\0b', 'control characters'],
  ['a newline', '/a\nb', 'control characters'],
  ['a name of 300 characters', `/backups/${'x'.repeat(300)}`, 'names of at most 255 bytes'],
  ['a name of 300 bytes', `/backups/${'ü'.repeat(150)}`, 'names of at most 255 bytes'],
  ['5000 characters', '/0123456789'.repeat(500), 'at most 3800 bytes'],
  ['no slash at its beginning', 'backups', 'an absolute path'],
])('a path with %s is refused', (_, local_fs_dir, why) => {
  expect(() => parseStorage({ local_fs_dir })).toThrow(why);
  expect(parseStorage({ local_fs_dir: '/backups/' })).toEqual({ local_fs_dir: '/backups/' });
});

it.each([
  ['transaction_batch_size', '1k', 'a whole number from 1 to 2^64-1, not "1k"'],
  ['transaction_batch_size', 0, 'a whole number from 1 to 2^64-1, not 0'],
  ['transaction_batch_seconds', '0', 'a whole number from 1 to 31536000, not "0"'],
  ['compact_above_files', 'many', 'a whole number from 0 to 10000000, not "many"'],
  ['compact_above_files', '10000001', 'a whole number from 0 to 10000000, not "10000001"'],
])('%s %s is refused with the bounds that it has', (field, value, expected) => {
  const input = { node: 'http://a:1', storage: { local_fs_dir: '/b' }, [field]: value };
  expect(() => parseCoordinatorInput(input)).toThrow(`${field} must be ${expected}`);
});

it('only a number that JSON cannot keep exact is asked for as a string', () => {
  const input = (size: unknown) => ({
    ...{ node: 'http://a:1', storage: { local_fs_dir: '/b' } },
    transaction_batch_size: size,
  });
  expect(() => parseCoordinatorInput(input(2 ** 60))).toThrow(
    /write a number above 2\^53 as a string$/,
  );
  expect(parseCoordinatorInput(input('1152921504606846976')).batchSize).toBe('1152921504606846976');
});

it('lists that travel in every history have a bound', () => {
  const hash = 'ab'.repeat(32);
  const input = (waypoints: number) => ({
    ...{ node: 'http://a:1', storage: { local_fs_dir: '/b' } },
    trust_waypoints: Array.from({ length: waypoints }, (_, version) => `${version}:${hash}`),
  });
  expect(parseCoordinatorInput(input(1_000)).trustWaypoints).toHaveLength(1_000);
  expect(() => parseCoordinatorInput(input(1_001))).toThrow(
    'trust_waypoints must be a list of at most 1000 waypoints, not of 1001',
  );
});
