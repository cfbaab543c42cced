import { createHash } from 'node:crypto';
import { encodeMetadataLine, type MetadataLine } from '../../aptos/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type TransactionEntry, readCatalog } from '../../repository/catalog.js';
import { rememberMetadata } from '../../repository/known-metadata.js';
import { leftAlone, saveAndReadBack } from '../../repository/metadata-file.js';
import { metadataAbout } from '../../repository/overlap.js';
import { publishMetadata } from '../../repository/publish-unit.js';
import { type Retirement, folderOfManifest, writeRetired } from '../../repository/retired.js';
import { putFile } from '../../repository/stored-file.js';
import { PROOFS_FILE, noteCommitted } from '../../repository/unit-folder.js';
import { METADATA } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';

export type TransactionLine = Extract<MetadataLine, { type: 'TransactionBackup' }>;

const NOTES_IN_FLIGHT = 16;
const SWAP = /^metadata\/transaction_consolidating_(\d{1,20})-(\d{1,20})\.meta$/;

/** Whether a metadata file is one of those in which small lines are exchanged for that of a full batch. */
export function isSwapFile(handle: string): boolean {
  return SWAP.test(handle);
}

function swapName(first: bigint, last: bigint): string {
  return `transaction_consolidating_${first}-${last}.meta`;
}

interface SwapTools {
  storage: BackupStorage;
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
  const gathered = Buffer.concat(parts.map((part) => encodeMetadataLine(lineOf(part))));
  await requireHeld();
  await saveAndReadBack(storage, name, gathered);
  await retireParts(line.manifest, parts, tools, `${METADATA}/${name}`);
  await requireHeld();
  await rememberMetadata(storage, await readCatalog(storage), line);
  await putFile(storage, METADATA, name, encodeMetadataLine(line), { replace: true });
  await settleSwap(line, tools);
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
  await requireHeld();
  await storage.retireMetadata(`${METADATA}/${swapName(line.firstVersion, line.lastVersion)}`);
}

/**
 * Retires the lines of small backups that `by` replaces, wherever they are. Other lines of the same files are first
 * written into a new file. `butIn`: a file that keeps them. @throws StorageError DENIED when the storage lets nobody remove metadata
 */
export async function retireParts(
  by: string,
  parts: readonly TransactionEntry[],
  { storage, requireHeld, times }: SwapTools,
  butIn?: string,
): Promise<void> {
  await forEachAtOnce(NOTES_IN_FLIGHT, parts, async (part) => {
    const note = { why: 'consolidated' as const, replacedBy: by, metadata: part.source, ...times };
    await writeRetired(storage, part, note);
  });
  const span = { first: parts[0]!.firstVersion, last: parts.at(-1)!.lastVersion };
  const keys = new Set(parts.map(keyOf));
  const holders: string[] = [];
  for await (const { handle, file } of metadataAbout(storage, { kind: 'transaction', ...span })) {
    if (handle === butIn) continue;
    const others = file.lines.filter((line) => !isOneOf(keys, line));
    if (others.length === file.lines.length) continue;
    if (file.errors.length > 0) throw leftAlone(storage, handle, file.errors[0]!);
    if (others.length > 0) await keepLines(storage, others);
    holders.push(handle);
  }
  for (const handle of holders) {
    await requireHeld();
    await storage.retireMetadata(handle);
  }
}

/** The name follows from the content, so that a second attempt finds what the first has written. */
async function keepLines(storage: BackupStorage, lines: readonly MetadataLine[]): Promise<void> {
  const content = Buffer.concat(lines.map(encodeMetadataLine));
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
  await saveAndReadBack(storage, `kept_lines_${digest}.meta`, content);
}

function isOneOf(keys: ReadonlySet<string>, line: MetadataLine): boolean {
  return line.type === 'TransactionBackup' && keys.has(keyOf(line));
}

function keyOf({ firstVersion, lastVersion, manifest }: TransactionLine): string {
  return `${firstVersion} ${lastVersion} ${manifest}`;
}

/** An entry of the catalog without the file that holds it. */
function lineOf({ source: _, ...line }: TransactionEntry): TransactionLine {
  return line;
}
