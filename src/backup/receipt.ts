import { createHash } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import { Fields } from '../aptos/files/fields.js';
import type { JsonValue } from '../aptos/files/json.js';
import type { BackupStorage } from '../storage/storage.js';
import type { Proven } from '../plan/unit.js';
import { encodeDigested, isIntact } from '../own-digest.js';
import { digestOf, putFile, readOwn, storedObject } from './stored-file.js';

/** A stored file: its name in the backup's folder, its size and digest. */
export interface StoredFile {
  name: string;
  bytes: number;
  sha256: string;
  /** What the store said about it when it was published. Says it the same, nobody has touched it. */
  stamp?: string;
}

/** What proving a chunk establishes. */
export interface ChunkFacts {
  proven: Proven;
  /** Transactions: record format. */
  format?: 'V0' | 'V1';
  /** State: key hashes of the first and last item. */
  first_key?: string;
  last_key?: string;
  /** Digests of the accumulator's or the tree's frontier before and after the chunk. */
  in_frontier?: string;
  out_frontier?: string;
  /** State, first chunk: the root that its items and the siblings right of them give. */
  root?: string;
  /** State: whether nothing lies to the right of the chunk. */
  rightmost?: boolean;
  /** Epoch endings: waypoint of each. */
  waypoints?: string[];
}

/**
 * Our record of one stored and proven chunk, kept beside it as `{first}-.receipt` (docs/formats.md,
 * Our own files). A backup's finished work is what its receipts say; manifests are made from them.
 */
export interface Receipt extends ChunkFacts {
  receipt: 1;
  first: string;
  last: string;
  records: number;
  chunk: StoredFile;
  proof?: StoredFile;
}

const MAX_RECEIPT_BYTES = 64 * 1024 * 1024;

export function receiptName(first: bigint): string {
  return `${first}-.receipt`;
}

/** Makes a receipt none: what it names has to be stored again. */
export async function voidReceipt(
  storage: BackupStorage,
  folder: string,
  { first }: Receipt,
  signal: AbortSignal,
): Promise<void> {
  const nothing = Buffer.from('{}\n');
  await putFile(storage, folder, receiptName(BigInt(first)), nothing, { replace: true, signal });
}

/** The receipt of the chunk that starts at `first`; undefined when there is none that can be read. */
export async function readReceipt(
  storage: BackupStorage,
  folder: string,
  first: bigint,
  signal?: AbortSignal,
): Promise<Receipt | undefined> {
  const handle = `${folder}/${receiptName(first)}`;
  const bytes = await readOwn(storage, handle, MAX_RECEIPT_BYTES, signal);
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
  const proof = fields.optional('proof');
  const root = fields.optionalHash('root');
  const format = fields.optional('format');
  const waypoints = fields.optional('waypoints');
  return {
    receipt: 1,
    first: fields.decimal('first'),
    last: fields.decimal('last'),
    records: fields.count('records'),
    chunk: parseFile(fields.object('chunk')),
    ...(proof === undefined ? {} : { proof: parseFile(proof) }),
    proven: fields.string('proven') as Proven,
    ...(format === 'V0' || format === 'V1' ? { format } : {}),
    ...optionalHashes(fields, ['first_key', 'last_key', 'in_frontier', 'out_frontier']),
    ...(root === undefined ? {} : { root }),
    ...(fields.optional('rightmost') === true ? { rightmost: true } : {}),
    ...(Array.isArray(waypoints)
      ? { waypoints: waypoints.filter((w) => typeof w === 'string') }
      : {}),
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

function optionalHashes<K extends string>(fields: Fields, names: K[]): { [P in K]?: string } {
  const found: { [P in K]?: string } = {};
  for (const name of names) {
    const value = fields.optionalHash(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Whether the files a receipt names are stored with the content it says. Reads them. */
export async function checksOut(
  storage: BackupStorage,
  folder: string,
  { chunk, proof }: Receipt,
  signal: AbortSignal,
): Promise<boolean> {
  for (const named of proof ? [chunk, proof] : [chunk]) {
    if (!(await isAsNamed(storage, folder, named, signal))) return false;
  }
  return true;
}

/**
 * The same, but reads only files of which the store says that something has changed, and writes down what it
 * says now: when it was nothing (a `chown`, a mount that numbers files anew), nobody reads them once more.
 */
export async function stillChecksOut(
  storage: BackupStorage,
  folder: string,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<boolean> {
  const current = { ...receipt };
  let changed = false;
  for (const key of ['chunk', 'proof'] as const) {
    const named = receipt[key];
    if (!named) continue;
    // Before it is read: what is changed meanwhile has another one.
    const stamp = await storage.stamp(`${folder}/${named.name}`, signal);
    if (stamp !== undefined && stamp === named.stamp) continue;
    if (!(await isAsNamed(storage, folder, named, signal))) return false;
    if (stamp === undefined) continue;
    current[key] = { ...named, stamp };
    changed = true;
  }
  if (changed) await writeReceipt(storage, folder, current, signal);
  return true;
}

async function isAsNamed(
  storage: BackupStorage,
  folder: string,
  { name, bytes, sha256 }: StoredFile,
  signal: AbortSignal,
): Promise<boolean> {
  const stored = await digestOf(storage, `${folder}/${name}`, signal);
  return stored?.sha256 === sha256 && stored.bytes === bytes;
}

export async function writeReceipt(
  storage: BackupStorage,
  folder: string,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<void> {
  const name = receiptName(BigInt(receipt.first));
  await putFile(storage, folder, name, encodeDigested(receipt), { replace: true, signal });
}

export function describeFile(name: string, bytes: Uint8Array): StoredFile {
  return {
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
