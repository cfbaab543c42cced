import { readdirSync } from 'node:fs';
import {
  decodeLedgerInfoWithSignatures,
  encodeLedgerInfoWithSignatures,
} from '../../../src/aptos/index.js';
import {
  detectFormat,
  emptyParts,
  splitTransaction,
} from '../../../src/aptos/records/split-transaction.js';
import { StorageCopy } from '../../support/storage-copy.js';

/** A change to a storage, and the objects one of which a verification must then name. */
export type Damage = [
  name: string,
  harm: (s: Subject) => unknown,
  named: (s: Subject) => string | string[],
];

const PART_ENDS = {
  transaction: 'auxiliary',
  auxiliary: 'info',
  info: 'events',
  events: 'writeSet',
  writeSet: 'end',
} as const;

/** A storage to be damaged, and its backups with several chunks: a first, a middle and a last one. */
export class Subject extends StorageCopy {
  readonly epochLine = this.lastLine('epoch_ending_');
  readonly snapshotLine = this.lastLine('state_snapshot_');
  /** In the middle of the history. */
  readonly transactionLine = this.metadata('transaction_101-');
  readonly epochs = this.manifestOf(this.epochLine);
  readonly snapshot = this.manifestOf(this.snapshotLine);
  readonly transactions = this.manifestOf(this.transactionLine);
  readonly rootProof = this.manifest(this.snapshot)['proof'] as string;

  epochChunk = (i: number) => this.chunk(this.epochs, i, 'ledger_infos');
  blobs = (i: number) => this.chunk(this.snapshot, i, 'blobs');
  rangeProof = (i: number) => this.chunk(this.snapshot, i, 'proof');
  chunkOf = (i: number) => this.chunk(this.transactions, i, 'transactions');
  proofOf = (i: number) => this.chunk(this.transactions, i, 'proof');

  otherRootProof(): string {
    return this.files().find((name) => name.endsWith('/state.proof') && name !== this.rootProof)!;
  }

  private chunk(manifest: string, i: number, field: string): string {
    return this.manifest(manifest).chunks.at(i)![field] as string;
  }

  private lastLine(start: string): string {
    const last = (name: string) => Number(/(\d+)\.meta$/.exec(name)![1]);
    const names = readdirSync(this.path('metadata')).filter((name) => name.startsWith(start));
    return `metadata/${names.sort((a, b) => last(a) - last(b)).at(-1)!}`;
  }

  /** Changes the last bit of one part of every transaction record of a chunk. */
  alterParts(handle: string, part: keyof typeof PART_ENDS): void {
    this.editRecords(handle, (records) => {
      for (const record of records) {
        const parts = emptyParts();
        splitTransaction(record, 0, record.length, detectFormat(record, 0, record.length), parts);
        record[parts[PART_ENDS[part]] - 1]! ^= 1;
      }
      return records;
    });
  }
}

/** A copy with one bit changed; negative offsets count from the end. */
export function flipAt(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
}

/** The ledger info at the end of some bytes, without signatures. */
export function unsign(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at += 1) {
    try {
      const { ledgerInfo } = decodeLedgerInfoWithSignatures(bytes.subarray(at));
      const bare = encodeLedgerInfoWithSignatures(ledgerInfo, new Uint8Array(), undefined);
      return Buffer.concat([bytes.subarray(0, at), bare]);
    } catch {
      // it begins later
    }
  }
  throw new Error('no ledger info in these bytes');
}
