/** A change of settings keeps what it does not name, and says old and new values. */
import { expect, it } from 'vitest';
import { changeSettings, parseCoordinatorInput } from '../../src/contract/coordinator-input.js';

const BEFORE = parseCoordinatorInput({
  node: ['http://a:1', 'http://b:1'],
  storage: { local_fs_dir: '/backups' },
  network: 'mainnet',
  trust_waypoints: [`0:${'a'.repeat(64)}`],
  max_chunk_size: 1000,
  concurrency: 8,
  state_snapshot_interval_epochs: 2,
  transaction_batch_size: '100',
  transaction_batch_seconds: 60,
  compact_above_files: 0,
});

it('what is not named stays as it is', () => {
  for (const change of [{}, { storage: { local_fs_dir: '/backups' } }]) {
    expect(changeSettings(BEFORE, change)).toEqual({ settings: BEFORE, changes: [] });
  }
});

it('what is named changes, and is told with old and new value', () => {
  const { settings, changes } = changeSettings(BEFORE, {
    ...{ concurrency: 4, transaction_batch_size: 200, node: 'http://b:1' },
  });
  expect(settings).toEqual({ ...BEFORE, concurrency: 4, batchSize: '200', nodes: ['http://b:1'] });
  expect(changes).toEqual([
    'node ["http://a:1","http://b:1"] -> ["http://b:1"]',
    'concurrency 8 -> 4',
    'transaction_batch_size 100 -> 200',
  ]);
});

it('null takes a setting back to its default', () => {
  const copy = { copy_to: { local_fs_dir: '/copy' }, copy_bytes_per_second: 5 };
  const { settings: before } = changeSettings(BEFORE, copy);
  const nulls = { copy_to: null, copy_bytes_per_second: null, concurrency: null, network: null };
  const { settings, changes } = changeSettings(before, nulls);
  expect(settings).toEqual({ ...BEFORE, concurrency: 4, network: undefined });
  expect(changes).toEqual([
    ...['network mainnet -> nothing', 'concurrency 8 -> 4'],
    ...['copy_to {"local_fs_dir":"/copy"} -> nothing', 'copy_bytes_per_second 5 -> nothing'],
  ]);
  expect(() => changeSettings(BEFORE, { node: null })).toThrow(/^node/);
});

it('limits of a node come, change and go', () => {
  const given = { node_streams: 4, node_bytes_per_second: '5000' };
  const { settings: limited } = changeSettings(BEFORE, given);
  expect(limited.nodeLimits).toEqual({ streams: 4, bytesPerSecond: 5000 });
  const { settings, changes } = changeSettings(limited, {
    ...{ node_streams: 2, node_bytes_per_second: null, node_requests_per_second: 7 },
  });
  expect(settings.nodeLimits).toEqual({ streams: 2, requestsPerSecond: 7 });
  expect(changes).toEqual([
    'node_streams 4 -> 2',
    'node_requests_per_second nothing -> 7',
    'node_bytes_per_second 5000 -> nothing',
  ]);
  const none = { node_streams: null, node_requests_per_second: null };
  expect(changeSettings(settings, none).settings).toEqual(BEFORE);
  expect(() => changeSettings(BEFORE, { node_streams: 65 })).toThrow(
    /^node_streams must be a whole number from/,
  );
});

it('a change with a mistake is refused with the name of the field', () => {
  expect(() => changeSettings(BEFORE, { concurrncy: 4 })).toThrow(/did you mean "concurrency"\?/);
  expect(() => changeSettings(BEFORE, { concurrency: 1000 })).toThrow(/^concurrency must be /);
  expect(() => changeSettings(BEFORE, 'fast')).toThrow(/must be one JSON object, not "fast"/);
});
