import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STOCK } from '../support/storage-copy.js';
import { storageFolder } from '../support/backup.js';
import { verifyChunk } from './verify-chunk.example.js';

const manifest = JSON.parse(
  readFileSync(join(STOCK, 'stock-plain/transaction_101-.7134/transaction.manifest'), 'utf8'),
) as { chunks: { first_version: number; transactions: string; proof: string }[] };
const chunk = manifest.chunks[0]!;
const [records, proof] = [chunk.transactions, chunk.proof].map((handle) =>
  join(STOCK, 'stock-plain', handle),
) as [string, string];

it('the README of the library shows this example', () => {
  const source = readFileSync(join(import.meta.dirname, 'verify-chunk.example.ts'), 'utf8');
  const readme = readFileSync('src/aptos/README.md', 'utf8');
  expect(readme).toContain(source.replace('../../src/aptos/index.js', './aptos/index.js'));
});

it('the example proves a chunk that the stock tool wrote', async () => {
  const { ledgerInfo } = await verifyChunk(records, proof, BigInt(chunk.first_version));
  expect(ledgerInfo.version).toBeGreaterThanOrEqual(BigInt(chunk.first_version));
});

it('the example refuses a chunk with one bit changed, and a chunk with a wrong first version', async () => {
  const damaged = join(storageFolder(), 'damaged.chunk');
  const bytes = readFileSync(records);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(damaged, bytes);
  await expect(verifyChunk(damaged, proof, BigInt(chunk.first_version))).rejects.toThrow(/version/);
  await expect(verifyChunk(records, proof, BigInt(chunk.first_version) + 1n)).rejects.toThrow();
});
