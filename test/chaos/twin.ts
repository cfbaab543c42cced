import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackupEntry, type Catalog, readCatalog } from '../../src/repository/catalog.js';
import { startDevnode } from '../../src/devnode/devnode.js';
import { openStorage } from '../../src/storage/open.js';
import { type Target, backUp } from '../support/backup.js';
import { CHAIN } from './node.js';
import { SIZES } from './system.js';
import type { World } from './world.js';

interface Manifest {
  proof?: string;
  chunks: Record<string, unknown>[];
}

/**
 * Backs up every unit of the storage again, from a healthy node of the same chain, and compares: folders,
 * plans, chunk files byte for byte, and manifests except for parts that depend on the moment of the
 * node's signature. Returns how many units and bytes are the same.
 * @throws Error naming the first difference
 */
export async function compareWithTwin(
  world: World,
  seed: number,
): Promise<{ units: number; bytes: number }> {
  const twin = join(world.folder, 'twin');
  const node = await startDevnode({ ...CHAIN, seed, journal: world.node.journal });
  try {
    const catalog = await readCatalog(openStorage(world.place.storage));
    const stored = await world.place.decoded();
    let bytes = 0;
    const entries = entriesOf(catalog);
    for (const entry of entries) {
      const result = await backUp({
        node: node.address,
        folder: twin,
        target: targetOf(entry),
        maxChunkSize: SIZES.chunk,
        trust: [world.genesis],
      });
      requireSame('manifest of', result.manifest, entry.manifest, result.manifest);
      bytes += compareUnits(stored, twin, entry.manifest);
    }
    requireNoneTwice(catalog, node.facts());
    return { units: entries.length, bytes };
  } finally {
    await node.close();
  }
}

function entriesOf({ epochEndings, snapshots, transactions }: Catalog): BackupEntry[] {
  return [...epochEndings, ...snapshots, ...transactions];
}

function targetOf(entry: BackupEntry): Target {
  switch (entry.type) {
    case 'EpochEndingBackup':
      return {
        type: 'epoch_ending',
        start_epoch: Number(entry.firstEpoch),
        end_epoch: Number(entry.lastEpoch) + 1,
      };
    case 'StateSnapshotBackup':
      return { type: 'state_snapshot', epoch: Number(entry.epoch) };
    case 'TransactionBackup':
      return {
        type: 'transaction',
        start_version: Number(entry.firstVersion),
        num_transactions: Number(entry.lastVersion - entry.firstVersion) + 1,
      };
  }
}

function compareUnits(storage: string, twin: string, handle: string): number {
  const plan = join(handle, '..', 'plan.json');
  const text = (root: string, name: string) => readFileSync(join(root, name), 'utf8');
  requireSame(plan, '', text(storage, plan), text(twin, plan));
  const ours = JSON.parse(text(storage, handle)) as Manifest;
  const other = JSON.parse(text(twin, handle)) as Manifest;
  requireSame(handle, '', JSON.stringify(lasting(ours)), JSON.stringify(lasting(other)));
  let bytes = 0;
  for (const chunk of ours.chunks) {
    const name = String(chunk['transactions'] ?? chunk['blobs'] ?? chunk['ledger_infos']);
    const stored = readFileSync(join(storage, name));
    if (!stored.equals(readFileSync(join(twin, name)))) throw new Error(`${name} has other bytes`);
    bytes += stored.length;
  }
  return bytes;
}

/**
 * Removes the digests of proofs. While an epoch is open, its proofs depend on the ledger info of the
 * moment.
 */
function lasting(manifest: Manifest): Manifest {
  const chunks = manifest.chunks.map(({ proof_sha256: _, ...chunk }) => chunk);
  return { ...manifest, chunks };
}

/** Checks that each record from 0 to the tip is in exactly one backup. */
function requireNoneTwice(
  { transactions, epochEndings, snapshots }: Catalog,
  { version, epoch }: { version: number; epoch: number },
): void {
  const versions = transactions.map((t) => [t.firstVersion, t.lastVersion] as const);
  const epochs = epochEndings.map((e) => [e.firstEpoch, e.lastEpoch] as const);
  for (const [what, spans, last] of [
    ['versions', versions, BigInt(version)],
    ['epochs', epochs, BigInt(epoch - 1)],
  ] as const) {
    let next = 0n;
    for (const [first, end] of spans) {
      if (first !== next)
        throw new Error(`${what}: expected ${next} next, stored are ${first} to ${end}`);
      next = end + 1n;
    }
    if (next !== last + 1n)
      throw new Error(`${what}: stored to ${next - 1n}, the node has ${last}`);
  }
  const taken = new Set(snapshots.map((s) => s.epoch));
  if (taken.size !== snapshots.length) throw new Error('a snapshot is stored twice');
}

function requireSame(what: string, name: string, ours: string, other: string): void {
  if (ours !== other) throw new Error(`${what} ${name}: ${ours} here, ${other} without faults`);
}
