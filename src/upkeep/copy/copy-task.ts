import type { CopyTaskResult, CopySlice, CopyUnit } from '../../contract/copying.js';
import { type BatchHasher, MAX_MANIFEST_BYTES } from '../../aptos/index.js';
import type { Proven } from '../../contract/unit.js';
import type { Piece, UnitSlice } from '../../contract/verification.js';
import type { EpochEndingEntry } from '../../repository/catalog.js';
import { checkEpochEndings } from '../../verify/check-epoch-endings.js';
import { trustOf } from '../../verify/check-slice.js';
import { checkSnapshot } from '../../verify/check-snapshot.js';
import { checkTransactions } from '../../verify/check-transactions.js';
import { Findings } from '../../verify/findings.js';
import { folderOf } from '../../repository/proven-record.js';
import { type SliceManifest, readSliceManifest } from '../../verify/slice-manifest.js';
import type { StoredChain } from '../../verify/stored-chain.js';
import type { RecordTools } from '../../verify/stored-records.js';
import type { CopyEnds } from './copy-ends.js';
import {
  type CopyMark,
  ROOT_MARK,
  chunkMark,
  markHolds,
  readMark,
  writeMark,
} from './copy-marks.js';
import { type NamedFiles, decodeNamed, entryOfUnit } from './copy-unit.js';
import { CopyingStorage } from './copying-storage.js';

export interface CopyTools {
  ends: CopyEnds;
  hasher: BatchHasher;
  /** The epoch endings of the source. */
  chain: StoredChain;
  onProgress: (more: { bytes: number; objects: number }) => void;
}

/**
 * Copies the slices of one task. Each chunk is proven while it is read, as a verification proves it; it appears in the
 * target only after that, with a mark. What an earlier attempt has copied is not read again. What is bad may be gone:
 * see `sortOutGone`.
 */
export async function copySlices(
  tools: CopyTools,
  units: readonly CopyUnit[],
  slices: readonly CopySlice[],
): Promise<CopyTaskResult> {
  const result: CopyTaskResult = { files: 0, bytes: 0, kept: 0, bad: [], gone: [] };
  const counting: CopyTools = {
    ...tools,
    onProgress: (more) => {
      result.bytes += more.bytes;
      tools.onProgress(more);
    },
  };
  for (const slice of slices) {
    const unit = units[slice.unit]!;
    const copy = new SliceCopy(counting, unit, result);
    const findings = await copy.run(slice);
    const [first] = findings.list;
    if (!first) continue;
    result.bad.push({ unit: slice.unit, skipped: { manifest: unit.manifest, ...first } });
  }
  return result;
}

/** The copy of one slice of a backup. It ends at the first chunk that is wrong. */
class SliceCopy {
  private readonly findings = new Findings();
  private readonly folder: string;
  private readonly storage: CopyingStorage;
  private readonly checks: RecordTools;
  private readonly trust: string;

  constructor(
    private readonly tools: CopyTools,
    private readonly unit: CopyUnit,
    private readonly done: Pick<CopyTaskResult, 'files' | 'kept'>,
  ) {
    this.folder = folderOf(unit);
    this.storage = new CopyingStorage(tools.ends, this.folder);
    this.checks = { ...tools, storage: this.storage };
    this.trust = trustOf(tools.chain);
  }

  async run({ from, to }: CopySlice): Promise<Findings> {
    const { unit, findings, tools } = this;
    await tools.ends.to.createBackup(this.folder);
    try {
      if (unit.type === 'epoch_ending') await this.copyEpochEndings();
      else await this.copyChunks(unit.type, { ...this.sliceOf(from, to) });
    } finally {
      await this.storage.discard();
    }
    return findings;
  }

  /** All chunks at once: the check of epoch endings takes a backup as a whole. */
  private async copyEpochEndings(): Promise<void> {
    const { unit, findings, storage, checks, tools } = this;
    const named = await findings.about(unit.manifest, unit.source, async () => {
      const bytes = await storage.readAll(unit.manifest, MAX_MANIFEST_BYTES);
      return decodeNamed(unit.type, bytes);
    });
    if (!named || !this.isAsPlanned()) return;
    const names = named.chunks.map((_, i) => chunkMark(i));
    const held = await Promise.all(names.map((name) => this.isCopied(name)));
    if (held.every(Boolean)) {
      this.done.kept += names.length;
      return;
    }
    storage.expect(named.chunks.map(({ file }) => file));
    const entry = entryOfUnit(unit) as EpochEndingEntry;
    await checkEpochEndings(checks, entry, tools.chain, findings);
    storage.requireWell();
    for (let epoch = entry.firstEpoch; epoch <= entry.lastEpoch; epoch += 1n) {
      const ending = tools.chain.ending(epoch);
      if (ending && epoch > 0n) this.requireProven(ending.file, ending.proven, ending.version);
    }
    if (findings.count > 0) return;
    for (const [i, file] of (await storage.publish()).entries()) {
      await this.mark(names[i]!, { files: [file] });
    }
  }

  private async copyChunks(
    type: 'transaction' | 'state_snapshot',
    slice: UnitSlice,
  ): Promise<void> {
    const { unit, findings, checks } = this;
    const kind = type === 'transaction' ? 'transactions' : type;
    const manifest = await findings.about(unit.manifest, unit.source, () =>
      readSliceManifest(checks, kind, slice),
    );
    if (!manifest || !this.isAsPlanned()) return;
    const named = filesOf(manifest);
    if (named.root !== undefined && slice.from === 0) await this.copyRoot(manifest, named.root);
    for (let i = slice.from; i < slice.to && findings.count === 0; i += 1) {
      await this.copyChunk(manifest, named, i);
    }
  }

  private async copyRoot(manifest: SliceManifest, root: string): Promise<void> {
    if (await this.isCopied(ROOT_MARK)) {
      this.done.kept += 1;
      return;
    }
    this.storage.expect([root]);
    await this.check(manifest, this.sliceOf(0, 0));
    if (this.findings.count > 0) return;
    await this.mark(ROOT_MARK, { files: await this.storage.publish() });
  }

  private async copyChunk(manifest: SliceManifest, named: NamedFiles, i: number): Promise<void> {
    const name = chunkMark(i);
    const { file, proof } = named.chunks[i]!;
    if (await this.isCopied(name)) {
      this.done.kept += 2;
      return;
    }
    this.storage.expect([file, proof!]);
    const piece = await this.check(manifest, this.sliceOf(i, i + 1));
    if (this.findings.count > 0) return;
    const before = named.chunks[i - 1]?.proof;
    const edge = manifest.kind === 'state_snapshot' && before ? this.digestOf(before) : undefined;
    const files = await this.storage.publish();
    await this.mark(name, {
      files,
      ...(edge === undefined ? {} : { edge }),
      ...(piece ? { piece } : {}),
    });
  }

  /** Checks what `slice` names. Returns what was proven of transactions. */
  private async check(manifest: SliceManifest, slice: UnitSlice): Promise<Piece | undefined> {
    const { checks, findings, storage } = this;
    const { chain } = this.tools;
    try {
      if (manifest.kind === 'state_snapshot') {
        const { proven } = await checkSnapshot(checks, slice, manifest.manifest, chain, findings);
        const { proof, version } = manifest.manifest;
        if (proven) this.requireProven(proof, proven, version);
        return undefined;
      }
      const found = await checkTransactions(checks, slice, manifest.manifest, chain, findings);
      const [piece] = found.pieces;
      if (piece) this.requireProven(piece.head, piece.proven, BigInt(piece.last));
      return piece;
    } finally {
      storage.requireWell();
    }
  }

  /**
   * A verification waits for what may prove unsigned history later. A copy does not: it takes such history only below a
   * trusted waypoint, where it is meant to be.
   */
  private requireProven(object: string, proven: Proven, version: bigint): void {
    if (proven !== 'not yet proven' || this.tools.chain.trusted.covers(version)) return;
    const why = 'epoch endings before it are missing in the source, so no signature proves it';
    this.findings.add(object, 'UNPROVEN', why);
  }

  /** The manifest decides what is copied, so all of the copy must go by the same one. */
  private isAsPlanned(): boolean {
    const { manifest, source, sha256 } = this.unit;
    if (this.digestOf(manifest) === sha256) return true;
    const why = 'it was changed while its backup was copied; the next copy takes it up';
    this.findings.add(manifest, 'DAMAGED', why, source);
    return false;
  }

  private async isCopied(name: string): Promise<boolean> {
    const { to } = this.tools.ends;
    const mark = await readMark(to, this.folder, name);
    if (mark?.manifest !== this.unit.sha256 || mark.trust !== this.trust) return false;
    return markHolds(to, this.folder, name, mark);
  }

  private async mark(
    name: string,
    facts: Pick<CopyMark, 'files' | 'edge' | 'piece'>,
  ): Promise<void> {
    this.done.files += facts.files.length;
    const fields = { manifest: this.unit.sha256, trust: this.trust, ...facts };
    await writeMark(this.tools.ends.to, this.folder, name, fields);
  }

  private digestOf(handle: string): string | undefined {
    return this.storage.digests.get(handle);
  }

  private sliceOf(from: number, to: number): UnitSlice {
    const { source, manifest, first, last, of } = this.unit;
    return { source, manifest, first, last, from, to, of };
  }
}

function filesOf(named: SliceManifest): NamedFiles {
  if (named.kind === 'transactions') {
    return { chunks: named.manifest.chunks.map((c) => ({ ...c, file: c.transactions })) };
  }
  const { chunks, proof } = named.manifest;
  return { chunks: chunks.map((c) => ({ ...c, file: c.blobs })), root: proof };
}
