import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BackupStorage } from '../storage/storage.js';
import { StorageError } from '../storage/errors.js';
import type { Proven } from '../plan/unit.js';
import { digestOf } from './stored-file.js';

const u64 = z.string().regex(/^[0-9]{1,20}$/);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ name: z.string(), bytes: z.number().int().nonnegative(), sha256: hex32 });

/**
 * Our record of one stored and proven chunk, kept beside it as `{first}-.receipt` (docs/formats.md,
 * Our own files). A backup's finished work is what its receipts say; manifests are made from them.
 */
const receiptSchema = z.object({
  receipt: z.literal(1),
  first: u64,
  last: u64,
  records: z.number().int().positive(),
  chunk: file,
  proof: file.optional(),
  proven: z.string().transform((text) => text as Proven),
  /** Transactions: record format. */
  format: z.enum(['V0', 'V1']).optional(),
  /** State: key hashes of the first and last leaf. */
  first_key: hex32.optional(),
  last_key: hex32.optional(),
  /** Digests of the accumulator's or the tree's frontier before and after the chunk. */
  in_frontier: hex32.optional(),
  out_frontier: hex32.optional(),
  /** State, first chunk: the root that its leaves and siblings give. */
  root: hex32.optional(),
  /** State: whether nothing lies to the right of the chunk. */
  rightmost: z.boolean().optional(),
  /** Epoch endings: waypoint of each. */
  waypoints: z.array(z.string()).optional(),
});

export type Receipt = z.infer<typeof receiptSchema>;
/** What proving a chunk establishes; the rest of a receipt describes its files. */
export type ChunkFacts = Omit<
  Receipt,
  'receipt' | 'first' | 'last' | 'records' | 'chunk' | 'proof'
>;

const MAX_RECEIPT_BYTES = 64 * 1024 * 1024;

export function receiptName(first: bigint): string {
  return `${first}-.receipt`;
}

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return Buffer.from(`${JSON.stringify(receipt)}\n`);
}

/** The receipt of the chunk that starts at `first`; undefined when there is none that can be read. */
export async function readReceipt(
  storage: BackupStorage,
  folder: string,
  first: bigint,
  signal?: AbortSignal,
): Promise<Receipt | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await storage.readAll(`${folder}/${receiptName(first)}`, MAX_RECEIPT_BYTES, signal);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = receiptSchema.safeParse(json);
  const fits =
    parsed.success &&
    BigInt(parsed.data.first) === first &&
    BigInt(parsed.data.last) - first + 1n === BigInt(parsed.data.records);
  return fits ? parsed.data : undefined;
}

/** Whether the files a receipt names are stored with the content it says. Reads them. */
export async function checksOut(
  storage: BackupStorage,
  folder: string,
  receipt: Receipt,
  signal?: AbortSignal,
): Promise<boolean> {
  for (const named of [receipt.chunk, receipt.proof]) {
    if (!named) continue;
    const stored = await digestOf(storage, `${folder}/${named.name}`, signal);
    if (stored?.sha256 !== named.sha256 || stored.bytes !== named.bytes) return false;
  }
  return true;
}

export function describeFile(name: string, bytes: Uint8Array): Receipt['chunk'] {
  return {
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
