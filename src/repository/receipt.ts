import { createHash } from 'node:crypto';
import { AptosDataError, Fields, type JsonValue } from '../aptos/index.js';
import type { BackupStorage } from '../storage/storage.js';
import type { Proven } from '../contract/unit.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { digestOf, putFile, readOwn, storedObject } from './stored-file.js';

/** A stored file: its name in the backup's folder, its size and digest. */
export interface StoredFile {
  name: string;
  bytes: number;
  sha256: string;
  /**
   * The storage's own mark of this version of the file, taken when the file was published. While the storage
   * gives the same mark, nobody has changed the file.
   */
  stamp?: string;
}

/** What the proof of a chunk of epoch endings has shown. */
export interface EpochEndingFacts {
  kind: 'epoch_ending';
  proven: Proven;
  /** The waypoint of each record. */
  waypoints: string[];
}

/** What the proof of a chunk of state items has shown. Digests are of the frontier of the state tree before and after it. */
export interface StateFacts {
  kind: 'state_snapshot';
  proven: Proven;
  /** Key hashes of the first and the last item. */
  first_key: string;
  last_key: string;
  /** First chunk only: the root hash computed from its items and the siblings to their right. */
  root?: string;
  /** The first chunk has none. */
  in_frontier?: string;
  out_frontier: string;
  /** Whether nothing lies to the right of the chunk. */
  rightmost: boolean;
}

/** What the proof of a chunk of transactions has shown. Digests are of the frontier of the accumulator before and after it. */
export interface TransactionFacts {
  kind: 'transaction';
  proven: Proven;
  /** The record format. */
  format: 'V0' | 'V1';
  in_frontier: string;
  out_frontier: string;
}

/** What the proof of a chunk has shown. */
export type ChunkFacts = EpochEndingFacts | StateFacts | TransactionFacts;

interface StoredChunk {
  receipt: 1;
  first: string;
  last: string;
  records: number;
  chunk: StoredFile;
}

/** A chunk with a file that proves it, as state items and transactions have, or without, as epoch endings. */
export type EpochEndingReceipt = StoredChunk & EpochEndingFacts & { proof?: undefined };
export type StateReceipt = StoredChunk & StateFacts & { proof: StoredFile };
export type TransactionReceipt = StoredChunk & TransactionFacts & { proof: StoredFile };

/**
 * Our record of one stored and proven chunk, kept beside it as `{first}-.receipt` (docs/formats.md,
 * Our own files). A backup's finished work is what its receipts say; manifests are made from them.
 * `kind` is not stored: the fields of each kind tell it.
 */
export type Receipt = EpochEndingReceipt | StateReceipt | TransactionReceipt;

export type ReceiptOf<K extends Receipt['kind']> = Extract<Receipt, { kind: K }>;

/** The receipt of a chunk: what is stored, and what was proven about it. */
export function receiptOf(
  chunk: Omit<StoredChunk, 'receipt'>,
  proof: StoredFile | undefined,
  facts: ChunkFacts,
): Receipt {
  const stored = { receipt: 1 as const, ...chunk };
  if (facts.kind === 'epoch_ending') return { ...stored, ...facts };
  if (!proof) throw new Error(`a chunk of kind ${facts.kind} without a proof`);
  return { ...stored, proof, ...facts };
}

const MAX_RECEIPT_BYTES = 64 * 1024 * 1024;

export function receiptName(first: bigint): string {
  return `${first}-.receipt`;
}

/** Overwrites a receipt with an empty object, so that its chunk is stored again. */
export async function voidReceipt(
  storage: BackupStorage,
  folder: string,
  { first }: Receipt,
): Promise<void> {
  const nothing = Buffer.from('{}\n');
  await putFile(storage, folder, receiptName(BigInt(first)), nothing, { replace: true });
}

/** The receipt of the chunk that starts at `first`; undefined when it is missing, damaged or does not fit `first`. */
export async function readReceipt(
  storage: BackupStorage,
  folder: string,
  first: bigint,
): Promise<Receipt | undefined> {
  const handle = `${folder}/${receiptName(first)}`;
  const bytes = await readOwn(storage, handle, MAX_RECEIPT_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  try {
    const receipt = parseReceipt(bytes);
    const fits = BigInt(receipt.last) - first + 1n === BigInt(receipt.records);
    return receipt.first === `${first}` && fits ? receipt : undefined;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

function parseReceipt(bytes: Uint8Array): Receipt {
  const fields = storedObject(bytes, 'receipt');
  if (fields.count('receipt') !== 1) throw fields.invalid('it is of another version');
  const chunk = {
    receipt: 1 as const,
    first: fields.decimal('first'),
    last: fields.decimal('last'),
    records: fields.count('records'),
    chunk: parseFile(fields.object('chunk')),
    proven: fields.string('proven') as Proven,
  };
  const waypoints = fields.optional('waypoints');
  if (Array.isArray(waypoints)) {
    const texts = waypoints.filter((waypoint) => typeof waypoint === 'string');
    return { ...chunk, kind: 'epoch_ending', waypoints: texts };
  }
  const proof = parseFile(fields.object('proof'));
  const format = fields.optional('format');
  if (format === 'V0' || format === 'V1') {
    const [in_frontier, out_frontier] = [fields.hash('in_frontier'), fields.hash('out_frontier')];
    return { ...chunk, kind: 'transaction', proof, format, in_frontier, out_frontier };
  }
  const [root, inFrontier] = [fields.optionalHash('root'), fields.optionalHash('in_frontier')];
  return {
    ...chunk,
    kind: 'state_snapshot',
    proof,
    first_key: fields.hash('first_key'),
    last_key: fields.hash('last_key'),
    ...(root === undefined ? {} : { root }),
    ...(inFrontier === undefined ? {} : { in_frontier: inFrontier }),
    out_frontier: fields.hash('out_frontier'),
    rightmost: fields.optional('rightmost') === true,
  };
}

function parseFile(value: JsonValue): StoredFile {
  const file = new Fields(value, 'receipt', 'JSON_INVALID');
  const stamp = file.optional('stamp');
  return {
    name: file.string('name'),
    bytes: file.count('bytes'),
    sha256: file.hash('sha256'),
    ...(typeof stamp === 'string' ? { stamp } : {}),
  };
}

/** Whether the chunk and proof of a receipt are stored with the sizes and digests that it names. Reads both files. */
export async function checksOut(
  storage: BackupStorage,
  folder: string,
  { chunk, proof }: Receipt,
): Promise<boolean> {
  for (const named of proof ? [chunk, proof] : [chunk]) {
    if (!(await isAsNamed(storage, folder, named))) return false;
  }
  return true;
}

/**
 * Like `checksOut`, but reads a file only if its stamp has changed. The content may still be the same, after a
 * `chown`, or on a new mount with other inode numbers. Then it writes the new stamp into the receipt, so that the
 * file is not read again the next time.
 */
export async function stillChecksOut(
  storage: BackupStorage,
  folder: string,
  receipt: Receipt,
): Promise<boolean> {
  const stamped: { chunk?: StoredFile; proof?: StoredFile } = {};
  for (const key of ['chunk', 'proof'] as const) {
    const named = receipt[key];
    if (!named) continue;
    // The stamp is taken before the read: a change during the read then gives another stamp later.
    const stamp = (await storage.stat(`${folder}/${named.name}`))?.stamp;
    if (stamp !== undefined && stamp === named.stamp) continue;
    if (!(await isAsNamed(storage, folder, named))) return false;
    if (stamp === undefined) continue;
    stamped[key] = { ...named, stamp };
  }
  if (stamped.chunk ?? stamped.proof) {
    await writeReceipt(storage, folder, { ...receipt, ...stamped } as Receipt);
  }
  return true;
}

async function isAsNamed(
  storage: BackupStorage,
  folder: string,
  { name, bytes, sha256 }: StoredFile,
): Promise<boolean> {
  const stored = await digestOf(storage, `${folder}/${name}`);
  return stored?.sha256 === sha256 && stored.bytes === bytes;
}

export async function writeReceipt(
  storage: BackupStorage,
  folder: string,
  receipt: Receipt,
): Promise<void> {
  const { kind: _kind, ...stored } = receipt;
  const name = receiptName(BigInt(receipt.first));
  await putFile(storage, folder, name, encodeDigested(stored), { replace: true });
}

export function describeFile(name: string, bytes: Uint8Array): StoredFile {
  return {
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
