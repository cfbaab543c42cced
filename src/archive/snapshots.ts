import {
  AptosDataError,
  canonicalFrontier,
  decodeStateRangeProof,
  decodeStateRootProof,
  encodeStateRangeProof,
  fromHex,
  SPARSE_MERKLE_PLACEHOLDER,
  siblingsDownTo,
  StateChunkVerifier,
  type StateSnapshotManifest,
  stateRecordKeyHash,
  toHex,
  verifyStateRoot,
} from '../aptos/index.js';
import type { StateSnapshotEntry } from '../repository/catalog.js';
import { type Block, inHasher, partOf, recordOf } from './blocks.js';
import type { ChunkCheck, ChunkFile, ChunkReader } from './chunk-reader.js';
import type { Holdings } from './holdings.js';
import { NotStored, about } from './not-served.js';
import { SizedCache } from './sized-cache.js';
import type { StoredFiles } from './stored-files.js';

/** A snapshot whose root is proven. */
interface Snapshot {
  handle: string;
  manifest: StateSnapshotManifest;
  rootProof: Uint8Array;
}

const ROOTS_BYTES = 4 * 1024 * 1024;

/** The stored state snapshots. */
export class Snapshots {
  private readonly roots = new SizedCache<Uint8Array>(ROOTS_BYTES);

  constructor(
    private readonly holdings: () => Holdings,
    private readonly files: StoredFiles,
    private readonly reader: ChunkReader,
  ) {}

  has(version: bigint): boolean {
    return this.holdings().snapshotsAt(version).length > 0;
  }

  /** All four: @throws NotStored, DamagedFile, StorageError */
  async itemCount(version: bigint): Promise<bigint> {
    return countOf((await this.at(version)).manifest);
  }

  async rootProof(version: bigint): Promise<Uint8Array> {
    return (await this.at(version)).rootProof;
  }

  /** Items [start, start + limit), as far as there are any. */
  async *stream(
    version: bigint,
    start: bigint,
    limit: bigint,
    signal?: AbortSignal,
  ): AsyncGenerator<Block> {
    const snapshot = await this.at(version);
    const count = countOf(snapshot.manifest);
    const stop = start + limit < count ? start + limit : count;
    for (let at = start; at < stop;) {
      const i = chunkWith(snapshot.manifest, at);
      const { firstIdx, lastIdx } = snapshot.manifest.chunks[i]!;
      const to = stop <= lastIdx ? stop : lastIdx + 1n;
      const [from, until] = [Number(at - firstIdx), Number(to - firstIdx)];
      yield* this.ofChunk(snapshot, (file) => this.reader.read(file, from, until, signal), i);
      at = to;
    }
  }

  /** The siblings right of a key, of which the state must have an item. */
  async rangeProof(version: bigint, key: Uint8Array): Promise<Uint8Array> {
    const snapshot = await this.at(version);
    const text = toHex(key);
    const { chunks } = snapshot.manifest;
    const i = chunks.findIndex(({ firstKey, lastKey }) => firstKey <= text && text <= lastKey);
    if (i < 0) throw new NotStored(`the state has no key ${text}`);
    const proof = await this.chunkProof(snapshot, i);
    const neighbours = {
      before: keyAt(chunks[i - 1]?.lastKey),
      after: keyAt(chunks[i + 1]?.firstKey),
    };
    const right = await this.rightOf(snapshot, i, key, proof, neighbours);
    if (!right) throw new NotStored(`the state has no key ${text}`);
    return encodeStateRangeProof(right);
  }

  private async rightOf(
    snapshot: Snapshot,
    i: number,
    key: Uint8Array,
    proof: readonly Uint8Array[],
    beyond: { before: Uint8Array | undefined; after: Uint8Array | undefined },
  ): Promise<Uint8Array[] | undefined> {
    const { hasher } = this.reader;
    const { lastKey, lastIdx, firstIdx } = snapshot.manifest.chunks[i]!;
    const file = this.fileOf(snapshot, i);
    const isLast = toHex(key) === lastKey;
    if (isLast && this.reader.proven.has(file.handle)) return [...proof];
    let { before } = beyond;
    let behind: StateChunkVerifier | undefined;
    let after: Uint8Array | undefined;
    const count = Number(lastIdx - firstIdx) + 1;
    const blocks = this.ofChunk(snapshot, (chunk) => this.reader.read(chunk, 0, count), i);
    for await (const block of blocks) {
      let rest: Block | undefined = block;
      if (!behind) {
        const at = placeOf(block, key);
        if (at > 0) before = keyOf(block, at - 1);
        if (at === block.ends.length) continue;
        if (!isSame(keyOf(block, at), key)) return undefined;
        behind = new StateChunkVerifier(hasher, {
          firstIndex: firstIdx + BigInt(block.first + at + 1),
          previousKey: key,
        });
        rest = partOf(block, block.first + at + 1, block.first + block.ends.length);
      }
      if (!rest) continue;
      after ??= keyOf(rest, 0);
      const copied = inHasher(hasher, rest);
      behind.add(copied, 0, copied.count);
    }
    if (!behind) return undefined;
    if (isLast) return [...proof];
    const step = behind.prove(proof);
    const inFrontier = 'inFrontier' in step ? step.inFrontier : [];
    return siblingsDownTo(key, { before, after }, inFrontier);
  }

  private at(version: bigint): Promise<Snapshot> {
    const entries = this.holdings().snapshotsAt(version);
    return this.files.firstUsable(`the state at version ${version}`, entries, (entry) =>
      this.open(entry),
    );
  }

  private async open({ manifest: handle, version }: StateSnapshotEntry): Promise<Snapshot> {
    const manifest = await this.files.snapshot(handle);
    const rootProof = await this.roots.get(`${handle} ${manifest.proof}`, async () => {
      const bytes = await this.files.proof(manifest.proof);
      await about(manifest.proof, () => requireRoot(bytes, version, manifest));
      return { value: bytes, bytes: bytes.length };
    });
    return { handle, manifest, rootProof };
  }

  private async *ofChunk(
    snapshot: Snapshot,
    read: (file: ChunkFile) => AsyncGenerator<Block>,
    i: number,
  ): AsyncGenerator<Block> {
    try {
      yield* read(this.fileOf(snapshot, i));
    } catch (error) {
      this.files.suspect(snapshot.handle, error);
      throw error;
    }
  }

  private fileOf(snapshot: Snapshot, i: number): ChunkFile {
    const { firstIdx, lastIdx, blobs: handle, extra } = snapshot.manifest.chunks[i]!;
    const count = Number(lastIdx - firstIdx) + 1;
    return { handle, count, extra, beginCheck: () => this.beginCheck(snapshot, i) };
  }

  /** Reads the proofs of a chunk and of the one before it, and begins to check that both fit its items. */
  private async beginCheck(snapshot: Snapshot, i: number): Promise<ChunkCheck> {
    const { chunks, rootHash } = snapshot.manifest;
    const { firstIdx, firstKey, lastKey, proof } = chunks[i]!;
    const before = chunks[i - 1];
    const right = await this.chunkProof(snapshot, i);
    const expected = before ? canonicalFrontier(await this.chunkProof(snapshot, i - 1)) : [];
    const verifier = new StateChunkVerifier(this.reader.hasher, {
      firstIndex: firstIdx,
      previousKey: keyAt(before?.lastKey),
    });
    return {
      add: (block) => verifier.add(block, 0, block.count),
      prove: () => {
        const { fits, isLast } = verifier.prove(right, (step) =>
          'root' in step
            ? toHex(step.root) === rootHash
            : step.inFrontier.length === expected.length &&
              step.inFrontier.every((hash, k) => isSame(hash, expected[k]!)),
        );
        const keys = toHex(verifier.firstKey) === firstKey && toHex(verifier.lastKey) === lastKey;
        if (fits && keys && isLast === (i === chunks.length - 1)) return;
        const why = `it, ${proof}, the chunk before it and the manifest do not fit`;
        throw new AptosDataError('STATE_PROOF_MISMATCH', why);
      },
    };
  }

  private chunkProof({ manifest }: Snapshot, i: number): Promise<Uint8Array[]> {
    const { proof, extra } = manifest.chunks[i]!;
    return about(proof, async () => decodeStateRangeProof(await this.files.proof(proof, extra)));
  }
}

/** @throws AptosDataError when a state root proof does not prove the root that the manifest names */
function requireRoot(bytes: Uint8Array, version: bigint, manifest: StateSnapshotManifest): void {
  const root = toHex(verifyStateRoot(decodeStateRootProof(bytes), version));
  const isEmpty = root === toHex(SPARSE_MERKLE_PLACEHOLDER);
  if (root === manifest.rootHash && isEmpty === (manifest.chunks.length === 0)) return;
  const why = `it proves root ${root}; the manifest says ${manifest.rootHash} and has ${manifest.chunks.length} chunks`;
  throw new AptosDataError('STATE_PROOF_MISMATCH', why);
}

function countOf({ chunks }: StateSnapshotManifest): bigint {
  return (chunks.at(-1)?.lastIdx ?? -1n) + 1n;
}

/** The number of the chunk with item `index`, which must be below the count. */
function chunkWith({ chunks }: StateSnapshotManifest, index: bigint): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (chunks[middle]!.lastIdx < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where `key` is in a block of items in order, or where it would be. */
function placeOf(block: Block, key: Uint8Array): number {
  let low = 0;
  let high = block.ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(keyOf(block, middle), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf(block: Block, i: number): Uint8Array {
  return stateRecordKeyHash(recordOf(block, i));
}

function keyAt(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : fromHex(hex);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
