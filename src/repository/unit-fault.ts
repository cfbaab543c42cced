import { AptosDataError, MAX_MANIFEST_BYTES } from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import { forEachAtOnce } from '../lib/at-once.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { MANIFEST_KINDS, type Named, bytesSaid } from './manifest-kinds.js';
import { readReceipt, receiptName } from './receipt.js';
import { folderOfManifest } from './retired.js';
import { storedBytes } from './stored-file.js';
import { unitLook } from './unit-look.js';

const LOOKS_IN_FLIGHT = 16;

/** What is wrong with a backup: the first file, and why. */
export interface UnitFault {
  file: string;
  why: string;
}

interface Wanted {
  file: string;
  bytes?: bigint | undefined;
}

/**
 * Looks at a committed backup without reading its data: at its manifest, the sizes of its files, and what verifications
 * have noted. Gives the first fault; or, when all of it is in order, when it was last read. In a storage with gzip'd
 * files sizes tell nothing, so there only an empty file is seen. `receipts`: read these, too, which record the sizes of
 * proofs; one small file for each chunk.
 */
export async function lookAtUnit(
  storage: BackupStorage,
  type: BackupType,
  manifest: string,
  { receipts = false } = {},
): Promise<{ fault?: UnitFault; readAt?: number | undefined }> {
  const named = await readNamed(storage, type, manifest);
  if ('why' in named) return { fault: named };
  const folder = folderOfManifest(manifest);
  const sizes = await sizesIn(storage, folder);
  const wanted = wantedOf(named);
  if (receipts) wanted.push(...(await proofsSaid(storage, folder, named, sizes)));
  const fault = await faultOfFiles(storage, wanted, sizes);
  if (fault) return { fault };
  const names = [...sizes.keys()].map((handle) => handle.slice(folder.length + 1));
  const { bad, at } = await unitLook(storage, folder, names);
  const why = 'the last verification did not find all of it in order';
  return bad ? { fault: { file: manifest, why } } : { readAt: at };
}

/** What is wrong with the first of these files that is not as it was written. */
async function faultOfFiles(
  storage: BackupStorage,
  wanted: readonly Wanted[],
  sizes: ReadonlyMap<string, bigint>,
): Promise<UnitFault | undefined> {
  const faults: (UnitFault | undefined)[] = [];
  let packed: boolean | undefined;
  await forEachAtOnce(LOOKS_IN_FLIGHT, wanted, async ({ file, bytes }, index) => {
    const stored = sizes.get(file) ?? (await storedBytes(storage, file));
    const fault = (why: string) => (faults[index] = { file, why });
    if (stored === undefined) return void fault('it is missing');
    if (stored === 0n && bytes !== 0n) return void fault('it is empty');
    if (bytes === undefined || bytes === stored) return;
    packed ??= (await storage.hasGzip()) !== false;
    if (!packed) fault(`it has ${stored} bytes, and ${bytes} were written`);
  });
  return faults.find((one) => one !== undefined);
}

async function readNamed(
  storage: BackupStorage,
  type: BackupType,
  manifest: string,
): Promise<Named | UnitFault> {
  try {
    return MANIFEST_KINDS[type].read(await storage.readAll(manifest, MAX_MANIFEST_BYTES));
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return { file: manifest, why: 'it is missing' };
    const isDamaged =
      error instanceof AptosDataError ||
      isStorageError(error, 'TOO_LARGE', 'DAMAGED', 'NAME_INVALID');
    if (!isDamaged) throw error;
    return { file: manifest, why: error.message };
  }
}

function wantedOf({ chunks, files }: Named): Wanted[] {
  const said = new Map(chunks.map((chunk) => [chunk.file, bytesSaid(chunk)]));
  return files.map((file) => ({ file, bytes: said.get(file) }));
}

/** The sizes of proofs, as the receipts of a backup of ours record them. */
async function proofsSaid(
  storage: BackupStorage,
  folder: string,
  { chunks }: Named,
  sizes: ReadonlyMap<string, bigint>,
): Promise<Wanted[]> {
  const found: Wanted[] = [];
  await forEachAtOnce(LOOKS_IN_FLIGHT, chunks, async ({ first, proof }, index) => {
    if (proof === undefined || !sizes.has(`${folder}/${receiptName(first)}`)) return;
    const said = (await readReceipt(storage, folder, first))?.proof;
    // A receipt of another attempt names another file.
    if (said && `${folder}/${said.name}` === proof) {
      found[index] = { file: proof, bytes: BigInt(said.bytes) };
    }
  });
  return found.filter((one) => one !== undefined);
}

/** By handle, as they are stored. Empty where nothing but metadata can be listed. */
async function sizesIn(storage: BackupStorage, folder: string): Promise<Map<string, bigint>> {
  if (storage.byNameOnly) return new Map();
  const files = await storage.listFolder(folder);
  return new Map(files.map(({ handle, bytes }) => [handle, bytes]));
}
