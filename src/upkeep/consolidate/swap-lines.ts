import { encodeMetadataLine, type MetadataLine } from '../../aptos/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type TransactionEntry, readCatalog } from '../../repository/catalog.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import { readMetadataFile, saveAndReadBack } from '../../repository/metadata-file.js';
import { publishMetadata } from '../../repository/publish-unit.js';
import { type Retirement, folderOfManifest, writeRetired } from '../../repository/retired.js';
import { forgetTimestamps, takeOutLines } from '../../repository/retire-lines.js';
import { isStored, putFile } from '../../repository/stored-file.js';
import { PROOFS_FILE, noteCommitted } from '../../repository/unit-folder.js';
import { METADATA } from '../../storage/handles.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';

export type TransactionLine = Extract<MetadataLine, { type: 'TransactionBackup' }>;

const NOTES_IN_FLIGHT = 16;
const SWAP = /^metadata\/transaction_consolidating_(\d{1,20})-(\d{1,20})\.meta$/;

/** Whether a metadata file is one of those in which small lines are exchanged for that of a full batch. */
export function isSwapFile(handle: string): boolean {
  return SWAP.test(handle);
}

/** Whether a swap file holds the full line. One of small lines has a name of a larger range, if it is a single one, too. */
export function isSwapOf(handle: string, { firstVersion, lastVersion }: TransactionLine): boolean {
  return handle === `${METADATA}/${swapName(firstVersion, lastVersion)}`;
}

function swapName(first: bigint, last: bigint): string {
  return `transaction_consolidating_${first}-${last}.meta`;
}

interface SwapTools {
  storage: BackupStorage;
  report: (phase: string) => void;
  /** Asked before each change of what the storage holds. */
  requireHeld: () => Promise<void>;
  times: Pick<Retirement, 'retiredAt' | 'notBefore'>;
}

/**
 * Exchanges the lines of small backups for the line of the full batch, so that no reader ever sees both or neither
 * (docs/formats.md, Consolidated batches): all small lines are gathered in one file, the files that held them are
 * retired, and then that one file is replaced at once. It can be broken off at any point and run again. Call it
 * under the commit lock.
 */
export async function swapLines(
  line: TransactionLine,
  parts: readonly TransactionEntry[],
  tools: SwapTools,
): Promise<void> {
  const { storage, requireHeld } = tools;
  const name = swapName(line.firstVersion, line.lastVersion);
  await requireHeld();
  await gather(storage, name, parts);
  await retireParts(line.manifest, parts, tools, `${METADATA}/${name}`);
  await requireHeld();
  await rememberMetadata(storage, await readCatalog(storage)); // of a copy, the line names more than the small ones
  await putFile(storage, METADATA, name, encodeMetadataLine(line), { replace: true });
  await settleSwap(line, tools);
}

/**
 * Puts all small lines into one file. An exchange that broke off may have left it with some of them: it was that of a
 * copy, which had less of the batch. Then it is replaced at once, so that no line is missed meanwhile.
 */
async function gather(
  storage: BackupStorage,
  name: string,
  parts: readonly TransactionEntry[],
): Promise<void> {
  const gathered = Buffer.concat(parts.map((part) => encodeMetadataLine(lineOf(part))));
  try {
    await saveAndReadBack(storage, name, gathered);
  } catch (error) {
    if (!isStorageError(error, 'EXISTS_DIFFERENT')) throw error;
    const file = await readMetadataFile(storage, `${METADATA}/${name}`);
    const manifests = new Set(parts.map(({ manifest }) => manifest));
    const isPart = (line: MetadataLine) => 'manifest' in line && manifests.has(line.manifest);
    if (!file || file.errors.length > 0 || !file.lines.every(isPart)) throw error;
    await putFile(storage, METADATA, name, gathered, { replace: true });
    await saveAndReadBack(storage, name, gathered);
  }
}

/**
 * The last steps of a swap: the full line gets the file that the stock tool would have written. The file of the swap
 * goes last, because it shows the next run that there is something to end.
 */
export async function settleSwap(
  line: TransactionLine,
  { storage, requireHeld }: Pick<SwapTools, 'storage' | 'requireHeld'>,
): Promise<void> {
  const handle = await publishMetadata(storage, line);
  const folder = folderOfManifest(line.manifest);
  await noteCommitted(storage, folder, handle);
  await storage.removeFileIfAllowed(`${folder}/${PROOFS_FILE}`);
  const swap = `${METADATA}/${swapName(line.firstVersion, line.lastVersion)}`;
  await forgetTimestamps(storage, [swap]);
  await requireHeld();
  await storage.retireMetadata(swap);
}

/**
 * Retires the lines of small backups that `by` replaces, in every file that holds them. `butIn`: a file that keeps
 * them. @throws StorageError DENIED when the storage lets nobody remove metadata
 */
export async function retireParts(
  by: string,
  parts: readonly TransactionEntry[],
  { storage, report, requireHeld, times }: SwapTools,
  butIn?: string,
): Promise<void> {
  await forEachAtOnce(NOTES_IN_FLIGHT, parts, async (part) => {
    if (!(await isStored(storage, part.manifest))) return; // without a folder there is no data to wait for
    const note = { why: 'consolidated' as const, replacedBy: by, metadata: part.source, ...times };
    await writeRetired(storage, part, note);
  });
  const keeps = butIn === undefined ? {} : { butIn };
  await takeOutLines(storage, parts, { report, requireHeld, ...keeps });
}

/** An entry of the catalog without the file that holds it. */
function lineOf({ source: _, ...line }: TransactionEntry): TransactionLine {
  return line;
}
