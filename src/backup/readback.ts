import { createHash } from 'node:crypto';
import {
  type EpochState,
  type LedgerInfoWithSignatures,
  decodeLedgerInfoWithSignatures,
} from '../aptos/chain/ledger-info.js';
import {
  decodeStateRangeProof,
  decodeStateRootProof,
  decodeTransactionRangeProof,
  verifyStateRoot,
} from '../aptos/chain/proofs.js';
import { verifyLedgerInfoSignatures } from '../aptos/chain/signatures.js';
import { formatWaypoint, waypointOf } from '../aptos/chain/waypoint.js';
import {
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
} from '../aptos/files/manifest.js';
import type { JsonObject } from '../aptos/files/json.js';
import { type BatchHasher, createBatchHasher } from '../aptos/hash/batch-hasher.js';
import { equalBytes, toHex } from '../aptos/hex.js';
import { type RecordBlock, RecordFramer } from '../aptos/records/framing.js';
import { StateChunkVerifier } from '../aptos/records/state-chunk.js';
import { TransactionChunkVerifier } from '../aptos/records/transaction-chunk.js';
import type { BackupType } from '../plan/job.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { readRecords } from './record-stream.js';

const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads committed backups and proves them again, from what is stored alone. Epoch endings come first:
 * they give the validators that signed what proves the rest.
 */
export class ReadBack {
  private readonly hasher: BatchHasher = createBatchHasher();
  private readonly validators = new Map<bigint, EpochState>();

  /** `genesis`: the waypoint that the chain of epochs must begin with. */
  constructor(
    private readonly storage: BackupStorage,
    private readonly genesis: string,
  ) {}

  /** Returns how many records were proven. @throws BackupError, AptosDataError, StorageError */
  async check(type: BackupType, manifestHandle: string): Promise<bigint> {
    const manifest = await this.storage.readAll(manifestHandle, MAX_FILE_BYTES);
    switch (type) {
      case 'epoch_ending':
        return this.epochEndings(manifest);
      case 'transaction':
        return this.transactions(manifest);
      case 'state_snapshot':
        return this.stateSnapshot(manifest);
    }
  }

  private async epochEndings(bytes: Uint8Array): Promise<bigint> {
    const { firstEpoch, lastEpoch, waypoints, chunks } = decodeEpochEndingManifest(bytes);
    let epoch = firstEpoch;
    for (const chunk of chunks) {
      for await (const record of readRecords(this.storage.read(chunk.ledgerInfos))) {
        const signed = decodeLedgerInfoWithSignatures(record);
        const waypoint = formatWaypoint(waypointOf(signed.ledgerInfo));
        if (waypoint !== waypoints[Number(epoch - firstEpoch)]) {
          throw damaged(chunk.ledgerInfos, `epoch ${epoch} has another waypoint than its manifest`);
        }
        if (epoch > 0n) this.requireSigned(signed, chunk.ledgerInfos);
        else if (waypoint !== this.genesis) throw damaged(chunk.ledgerInfos, 'another genesis');
        const next = signed.ledgerInfo.nextEpochState;
        if (signed.ledgerInfo.epoch !== epoch || !next) {
          throw damaged(chunk.ledgerInfos, `record ${epoch - firstEpoch} does not end ${epoch}`);
        }
        this.validators.set(next.epoch, next);
        epoch += 1n;
      }
      if (epoch !== chunk.lastEpoch + 1n) throw damaged(chunk.ledgerInfos, 'epochs are missing');
    }
    return lastEpoch - firstEpoch + 1n;
  }

  private async transactions(bytes: Uint8Array): Promise<bigint> {
    const { firstVersion, lastVersion, chunks } = decodeTransactionManifest(bytes);
    let before: Uint8Array[] | undefined;
    for (const { firstVersion: first, lastVersion: last, ...chunk } of chunks) {
      const verifier = new TransactionChunkVerifier(this.hasher, first, chunk.format);
      await this.feed(chunk.transactions, chunk.extra, verifier);
      const proof = decodeTransactionRangeProof(await this.read(chunk.proof));
      this.requireSigned(proof.ledgerInfo, chunk.proof);
      const { inFrontier, outFrontier } = verifier.prove(proof);
      if (BigInt(verifier.count) !== last - first + 1n) {
        throw damaged(chunk.transactions, `it has ${verifier.count} records`);
      }
      if (before && !sameHashes(before, inFrontier)) {
        throw damaged(chunk.transactions, 'it does not follow the chunk before it');
      }
      before = outFrontier;
    }
    return lastVersion - firstVersion + 1n;
  }

  private async stateSnapshot(bytes: Uint8Array): Promise<bigint> {
    const manifest = decodeStateSnapshotManifest(bytes);
    const proof = decodeStateRootProof(await this.read(manifest.proof));
    this.requireSigned(proof.ledgerInfo, manifest.proof);
    if (toHex(verifyStateRoot(proof, manifest.version)) !== manifest.rootHash) {
      throw damaged(manifest.proof, `it does not prove root ${manifest.rootHash}`);
    }
    let before: { key: Uint8Array; outFrontier: Uint8Array[] } | undefined;
    let records = 0n;
    for (const chunk of manifest.chunks) {
      const verifier = new StateChunkVerifier(this.hasher, {
        firstIndex: chunk.firstIdx,
        previousKey: before?.key,
      });
      await this.feed(chunk.blobs, chunk.extra, verifier);
      const step = verifier.prove(decodeStateRangeProof(await this.read(chunk.proof)));
      const fits =
        'root' in step
          ? toHex(step.root) === manifest.rootHash
          : sameHashes(step.inFrontier, before!.outFrontier);
      if (!fits || step.isLast !== (chunk === manifest.chunks.at(-1))) {
        throw damaged(chunk.blobs, `it does not prove to root ${manifest.rootHash}`);
      }
      before = { key: verifier.lastKey, outFrontier: step.outFrontier };
      records += BigInt(verifier.count);
    }
    return records;
  }

  private async feed(
    handle: string,
    extra: JsonObject | undefined,
    verifier: { add(block: RecordBlock, from: number, to: number): void },
  ): Promise<void> {
    const framer = new RecordFramer(this.hasher);
    const digest = createHash('sha256');
    for await (const part of this.storage.read(handle)) {
      digest.update(part);
      for (const block of framer.push(part)) verifier.add(block, 0, block.count);
    }
    const rest = framer.flush();
    if (rest) verifier.add(rest, 0, rest.count);
    const expected = extra?.['sha256'];
    if (typeof expected === 'string' && digest.digest('hex') !== expected) {
      throw damaged(handle, 'its content has another digest than its manifest says');
    }
  }

  private requireSigned(signed: LedgerInfoWithSignatures, handle: string): void {
    const { epoch } = signed.ledgerInfo;
    if (epoch === 0n) {
      const waypoint = formatWaypoint(waypointOf(signed.ledgerInfo));
      if (waypoint !== this.genesis) throw damaged(handle, 'it is of another genesis');
      return;
    }
    const validators = this.validators.get(epoch);
    if (!validators) throw damaged(handle, `no stored epoch ending names validators of ${epoch}`);
    verifyLedgerInfoSignatures(validators, signed);
  }

  private async read(handle: string): Promise<Uint8Array> {
    return this.storage.readAll(handle, MAX_FILE_BYTES);
  }
}

function sameHashes(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((hash, i) => equalBytes(hash, b[i]!));
}

function damaged(handle: string, why: string): BackupError {
  return new BackupError('STORED_DAMAGED', `${handle}: ${why}`, false);
}
