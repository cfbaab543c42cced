import { expect, it } from 'vitest';
import { coordinatorInput, givenInput } from '../../src/cli/options.js';

const FLAGS = { localFsDir: '/backups' };

it('a later start names only what its flags gave', () => {
  const flags = { ...FLAGS, transactionBatchSize: '500' };
  expect(givenInput(coordinatorInput(flags), flags)).toEqual({
    storage: { local_fs_dir: '/backups' },
    transaction_batch_size: '500',
  });
});

it('--copy-to none ends a copy together with its limits', () => {
  const flags = { ...FLAGS, copyTo: 'none' };
  const input = coordinatorInput(flags);
  expect(input.copy_to).toBeUndefined();
  expect(givenInput(input, flags)).toMatchObject({
    copy_to: null,
    copy_bytes_per_second: null,
    copy_requests_per_second: null,
  });
});

it('--copy-bytes-per-second none ends a limit of a copy that stays', () => {
  const flags = { ...FLAGS, copyBytesPerSecond: 'none', copyRequestsPerSecond: '5' };
  const input = coordinatorInput(flags);
  expect(input.copy_bytes_per_second).toBeUndefined();
  expect(givenInput(input, flags)).toEqual({
    storage: { local_fs_dir: '/backups' },
    copy_bytes_per_second: null,
    copy_requests_per_second: '5',
  });
});

it('a flag of a node limit sets it, and none ends it', () => {
  const flags = { ...FLAGS, nodeStreams: '4', nodeBytesPerSecond: 'none' };
  const input = coordinatorInput(flags);
  expect(input).toMatchObject({ node_streams: '4' });
  expect(input.node_bytes_per_second).toBeUndefined();
  expect(givenInput(input, flags)).toEqual({
    storage: { local_fs_dir: '/backups' },
    node_streams: '4',
    node_bytes_per_second: null,
  });
});
