import {
  AptosDataError,
  decodeEpochEndingManifest,
  decodeLedgerInfoWithSignatures,
  type EpochEndingManifest,
  formatWaypoint,
  type LedgerInfoWithSignatures,
  naming,
  parseWaypoint,
  readRecords,
  waypointOf,
} from '../aptos/index.js';
import type { EpochEndingEntry } from '../repository/catalog.js';
import type { Findings } from './findings.js';
import type { StoredChain } from './stored-chain.js';
import { requireOwnFields } from './own-fields.js';
import { type RecordTools, readSmall, requireUnchanged } from './stored-records.js';
import { createHash } from 'node:crypto';

export interface CheckedEpochs {
  /** How many epoch endings of the backup were read and are sound. */
  records: number;
}

/**
 * Checks one backup of epoch endings: its manifest, its metadata line and every ledger info. Adds the
 * ledger infos to `chain` (docs/formats.md, Verification). Call it for all backups in the order of
 * their first epoch: each ledger info is checked against the one before it.
 */
export async function checkEpochEndings(
  tools: RecordTools,
  entry: EpochEndingEntry,
  chain: StoredChain,
  findings: Findings,
): Promise<CheckedEpochs> {
  const manifest = await findings.about(entry.manifest, entry.source, async () => {
    const decoded = decodeEpochEndingManifest(await readSmall(tools, entry.manifest));
    requireOwnFields(decoded, false);
    return decoded;
  });
  if (!manifest) return { records: 0 };
  const { firstEpoch, lastEpoch, waypoints } = manifest;
  const span = [firstEpoch, lastEpoch, version(waypoints[0]!), version(waypoints.at(-1)!)];
  const said = [entry.firstEpoch, entry.lastEpoch, entry.firstVersion, entry.lastVersion];
  if (span.join() !== said.join()) {
    const why = `it says epochs and versions ${said.join(', ')}, its manifest ${entry.manifest} ${span.join(', ')}`;
    findings.add(entry.source, 'METADATA', why);
  }
  let records = 0;
  for (const chunk of manifest.chunks) {
    const handle = chunk.ledgerInfos;
    await findings.about(handle, entry.manifest, async () => {
      let epoch = chunk.firstEpoch;
      const digest = createHash('sha256');
      const counted = counting(tools, handle, digest);
      for await (const record of readRecords(counted)) {
        if (epoch > chunk.lastEpoch) throw wrongCount(chunk.lastEpoch - chunk.firstEpoch + 1n);
        const signed = await decode(tools, chunk, epoch, record.slice());
        const waypoint = formatWaypoint(waypointOf(signed.ledgerInfo));
        const expected = waypoints[Number(epoch - firstEpoch)];
        if (waypoint !== expected) {
          throw new AptosDataError(
            'EPOCH_MISMATCH',
            `the ledger info of epoch ${epoch} has waypoint ${waypoint}, manifest ${entry.manifest} says ${expected}`,
          );
        }
        const proven = await chain.take(signed, epoch, handle);
        if (proven === 'not yet proven' && epoch > 0n && !chain.ending(epoch - 1n)) {
          const why = `the ledger info that ends epoch ${epoch} is signed by validators that no stored epoch ending names`;
          findings.add(handle, 'UNPROVEN', why);
        }
        epoch += 1n;
        records += 1;
      }
      if (epoch !== chunk.lastEpoch + 1n) throw wrongCount(chunk.lastEpoch - chunk.firstEpoch + 1n);
      const expected = chunk.extra?.['sha256'];
      if (typeof expected === 'string' && digest.digest('hex') !== expected) {
        throw new AptosDataError('RECORD_INVALID', 'its digest is not what its manifest says');
      }
    });
  }
  return { records };
}

/** An unknown form may be damage. Our manifests record a digest of the chunk, which tells the two apart. */
async function decode(
  tools: RecordTools,
  chunk: EpochEndingManifest['chunks'][number],
  epoch: bigint,
  record: Uint8Array,
): Promise<LedgerInfoWithSignatures> {
  try {
    return naming(`epoch ${epoch}`, () => decodeLedgerInfoWithSignatures(record));
  } catch (error) {
    if (error instanceof AptosDataError && error.code === 'UNSUPPORTED') {
      await requireUnchanged(tools, chunk.ledgerInfos, chunk.extra);
    }
    throw error;
  }
}

async function* counting(
  tools: RecordTools,
  handle: string,
  digest: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const part of tools.storage.read(handle)) {
    digest.update(part);
    tools.onProgress({ bytes: part.length, objects: 0 });
    yield part;
  }
  tools.onProgress({ bytes: 0, objects: 1 });
}

function wrongCount(expected: bigint): AptosDataError {
  return new AptosDataError('RECORD_INVALID', `it has not the ${expected} records it should have`);
}

function version(waypoint: string): bigint {
  return parseWaypoint(waypoint).version;
}
