import { createHash } from 'node:crypto';
import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { CopyUnit } from '../../contract/copying.js';
import { joinPieces } from '../../contract/pieces.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { folderOf } from '../../repository/proven-record.js';
import type { CopyEnds } from './copy-ends.js';
import { type CopyMark, ROOT_MARK, chunkMark, markHolds, readMark } from './copy-marks.js';
import { type NamedChunk, isStillNamed, readNamed, skippedFor } from './copy-unit.js';

const READS_IN_FLIGHT = 16;

/** A backup of which the target has every file. */
export interface Whole {
  /** Whether this is the manifest by which all was copied. */
  isManifest(bytes: Uint8Array): boolean;
}

/**
 * Checks by the marks that all files of a backup are in the target as they were proven, and that its chunks fit
 * together. `again`: some must be copied again. `gone`: the source has removed the backup meanwhile.
 */
export async function requireWholeCopy(
  ends: CopyEnds,
  unit: CopyUnit,
): Promise<Whole | 'again' | 'gone' | { skipped: Skipped }> {
  const { type, manifest, sha256 } = unit;
  let named: Awaited<ReturnType<typeof readNamed>>;
  try {
    named = await readNamed(ends.from, type, manifest);
  } catch (error) {
    const skipped = skippedFor(manifest, error);
    return (await isStillNamed(ends.from, type, manifest)) ? { skipped } : 'gone';
  }
  if (named.sha256 !== sha256) return 'again';
  const marks: CopyMark[] = [];
  let holds = true;
  await forEachAtOnce(READS_IN_FLIGHT, named.chunks, async (chunk, i) => {
    const mark = await soundMark(ends, unit, chunkMark(i), filesOf(chunk));
    if (mark) marks[i] = mark;
    else holds = false;
  });
  if (named.root !== undefined) {
    holds &&= (await soundMark(ends, unit, ROOT_MARK, [named.root])) !== undefined;
  }
  const [first] = marks;
  if (!holds || marks.some(({ trust }) => trust !== first!.trust)) return 'again';
  if (type === 'state_snapshot' && !edgesFit(marks, named.chunks)) return 'again';
  const misfit = type === 'transaction' ? misfitOf(unit, marks) : undefined;
  if (misfit) return { skipped: misfit };
  return { isManifest: (bytes) => createHash('sha256').update(bytes).digest('hex') === sha256 };
}

function filesOf({ file, proof }: NamedChunk): string[] {
  return proof === undefined ? [file] : [file, proof];
}

/** The mark of exactly these files, if they are all stored as it says. */
async function soundMark(
  { to }: CopyEnds,
  unit: CopyUnit,
  name: string,
  handles: readonly string[],
): Promise<CopyMark | undefined> {
  const folder = folderOf(unit);
  const mark = await readMark(to, folder, name);
  if (mark?.manifest !== unit.sha256) return undefined;
  const marked = new Set(mark.files.map((file) => `${folder}/${file.name}`));
  if (marked.size !== handles.length || !handles.every((handle) => marked.has(handle))) {
    return undefined;
  }
  return (await markHolds(to, folder, name, mark)) ? mark : undefined;
}

/** Each chunk of a snapshot was proven by the proof of the chunk before it: that must be the one that is stored. */
function edgesFit(marks: readonly CopyMark[], chunks: readonly NamedChunk[]): boolean {
  return marks.every(({ edge }, i) => {
    const before = chunks[i - 1]?.proof;
    const stored = marks[i - 1]?.files.find(({ name }) => before?.endsWith(`/${name}`));
    return edge === stored?.sha256;
  });
}

/** What is wrong with transactions each chunk of which is proven by itself. */
function misfitOf(
  { manifest, first, last }: CopyUnit,
  marks: readonly CopyMark[],
): Skipped | undefined {
  const { pieces, findings } = joinPieces(marks.flatMap(({ piece }) => piece ?? []));
  const [finding] = findings;
  if (finding) return { manifest, ...finding };
  const [only, more] = pieces;
  if (only && !more && only.first === first && only.last === last) return undefined;
  const why = `its chunks are proven one by one, but not as one run of versions ${first} to ${last}`;
  return { manifest, object: manifest, code: 'UNPROVEN', why };
}
