/** Where the file system has no hard links, a local folder keeps the contract all the same. */
import type * as Files from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { LocalStorage } from '../../src/storage/local.js';
import { temporaryFolder } from '../support/temporal.js';
import { storageContract } from './contract.js';

// As FAT and many file systems in user space answer.
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof Files>()),
  link: () => Promise.reject(Object.assign(new Error('not supported'), { code: 'EPERM' })),
}));

storageContract(() => {
  const root = temporaryFolder('storage');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return Promise.resolve(() => new LocalStorage(join(root, 'storage')));
});
