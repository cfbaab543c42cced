/** Every backend keeps the contract: one line for each. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { LocalBackend } from '../../src/storage/local/local-backend.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { storageContract } from './contract.js';

function localFolder() {
  const path = temporaryFolder('storage');
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return Promise.resolve(() => new LocalBackend(join(path, 'made', 'when', 'needed')));
}

describe('a local folder', () => storageContract(localFolder));
describe("a local folder with gzip'd files", () => storageContract(localFolder, { as: 'gzip' }));
// One without hard links: test/storage/local/without-links.test.ts
