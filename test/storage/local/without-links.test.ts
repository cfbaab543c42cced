/** On a file system without hard links, a local folder still keeps the contract. */
import type * as Files from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { storageContract } from '../contract.js';

// The answer of FAT and of many file systems in user space.
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof Files>()),
  link: () => Promise.reject(Object.assign(new Error('not supported'), { code: 'EPERM' })),
}));

storageContract(() => {
  const root = temporaryFolder('storage');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return Promise.resolve(() => new LocalBackend(join(root, 'storage')));
});
