import * as v from 'valibot';
import type { Piece } from '../../contract/verification.js';
import type { Proven } from '../../contract/unit.js';
import { encodeDigested, isIntact } from '../../lib/host/own-digest.js';
import type { StoredFile } from '../../repository/receipt.js';
import { digestOf, putFile, readOwn } from '../../repository/stored-file.js';
import type { BackupStorage } from '../../storage/storage.js';

const MAX_BYTES = 64 * 1024;

/**
 * Our record that a chunk was copied and proven on its way (docs/formats.md, Our own files). It lies in the target,
 * beside the chunk, until the backup is committed there.
 */
export interface CopyMark {
  /** sha256 of the manifest that names the files, and what the proof rests on besides them. */
  manifest: string;
  trust: string;
  files: StoredFile[];
  /** Of a snapshot: sha256 of the proof of the chunk before, by which this one was proven. */
  edge?: string;
  /** Of transactions: what was proven. */
  piece?: Piece;
}

const text = v.string();
const schema: v.GenericSchema<CopyMark & { copied: 1 }> = v.object({
  copied: v.literal(1),
  manifest: text,
  trust: text,
  files: v.array(
    v.object({ name: text, bytes: v.number(), sha256: text, stamp: v.exactOptional(text) }),
  ),
  edge: v.exactOptional(text),
  piece: v.exactOptional(
    v.object({
      ...{ first: text, last: text, inFrontier: text, outFrontier: text },
      proven: v.custom<Proven>((value) => typeof value === 'string'),
      ...{ head: text, tail: text },
    }),
  ),
});

export const chunkMark = (index: number) => `chunk-${index}.copied`;
/** The mark of the root proof of a snapshot. */
export const ROOT_MARK = 'root-0.copied';

/** Undefined when there is none, or it is damaged: then the chunk is copied again. */
export async function readMark(
  storage: BackupStorage,
  folder: string,
  name: string,
): Promise<CopyMark | undefined> {
  const bytes = await readOwn(storage, `${folder}/${name}`, MAX_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  const mark: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return v.is(schema, mark) ? mark : undefined;
}

export async function writeMark(
  storage: BackupStorage,
  folder: string,
  name: string,
  { manifest, trust, files, edge, piece }: CopyMark,
): Promise<void> {
  const fields = { copied: 1, manifest, trust, files, ...(edge === undefined ? {} : { edge }) };
  const content = encodeDigested({ ...fields, ...(piece ? { piece } : {}) });
  await putFile(storage, folder, name, content, { replace: true });
}

/**
 * Whether the files of a mark are stored as they were copied. Reads a file only if the storage gives it another stamp
 * than when it was copied, and then notes the new one.
 */
export async function markHolds(
  storage: BackupStorage,
  folder: string,
  name: string,
  mark: CopyMark,
): Promise<boolean> {
  let changed = false;
  const files: StoredFile[] = [];
  for (const file of mark.files) {
    const handle = `${folder}/${file.name}`;
    const stamp = (await storage.stat(handle))?.stamp;
    if (stamp === undefined) return false;
    files.push({ ...file, stamp });
    if (stamp === file.stamp) continue;
    const stored = await digestOf(storage, handle);
    if (stored?.sha256 !== file.sha256 || stored.bytes !== file.bytes) return false;
    changed = true;
  }
  if (changed) await writeMark(storage, folder, name, { ...mark, files });
  return true;
}
