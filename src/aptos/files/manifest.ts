import { formatWaypoint, parseWaypoint } from '../chain/waypoint.js';
import { AptosDataError } from '../data-error.js';
import { Fields } from './fields.js';
import { type JsonObject, type JsonValue, parseJson, stringifyJson } from './json.js';

/** Twice what a backup of a hundred thousand chunks needs. A larger manifest is refused. */
export const MAX_MANIFEST_BYTES = 128 * 1024 * 1024;
/** Most values in a manifest. Each value takes memory and time, even if it is short. */
const MOST_VALUES = 4_000_000;
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

/**
 * The manifest of a backup (docs/formats.md, Files). Ranges are inclusive, and files are named by their handles.
 * `extra` holds fields that the stock tool does not know and ignores. They are written behind its own.
 */
export interface EpochEndingManifest {
  firstEpoch: bigint;
  lastEpoch: bigint;
  /** The waypoint of each epoch ending, as `VERSION:HASH`. */
  waypoints: string[];
  chunks: { firstEpoch: bigint; lastEpoch: bigint; ledgerInfos: string; extra?: JsonObject }[];
  extra?: JsonObject;
}

export interface TransactionManifest {
  firstVersion: bigint;
  lastVersion: bigint;
  chunks: {
    firstVersion: bigint;
    lastVersion: bigint;
    transactions: string;
    proof: string;
    /** The manifest has this field only for V1. Without it the format is V0. */
    format: 'V0' | 'V1';
    extra?: JsonObject;
  }[];
  extra?: JsonObject;
}

export interface StateSnapshotManifest {
  version: bigint;
  epoch: bigint;
  rootHash: string;
  chunks: {
    firstIdx: bigint;
    lastIdx: bigint;
    /** Key hashes of the first and last item. */
    firstKey: string;
    lastKey: string;
    blobs: string;
    proof: string;
    extra?: JsonObject;
  }[];
  proof: string;
  extra?: JsonObject;
}

export function encodeEpochEndingManifest(manifest: EpochEndingManifest): Uint8Array {
  return encode({
    first_epoch: manifest.firstEpoch,
    last_epoch: manifest.lastEpoch,
    waypoints: manifest.waypoints,
    chunks: manifest.chunks.map((chunk) => ({
      first_epoch: chunk.firstEpoch,
      last_epoch: chunk.lastEpoch,
      ledger_infos: chunk.ledgerInfos,
      ...chunk.extra,
    })),
    ...manifest.extra,
  });
}

export function encodeTransactionManifest(manifest: TransactionManifest): Uint8Array {
  return encode({
    first_version: manifest.firstVersion,
    last_version: manifest.lastVersion,
    chunks: manifest.chunks.map((chunk) => ({
      first_version: chunk.firstVersion,
      last_version: chunk.lastVersion,
      transactions: chunk.transactions,
      proof: chunk.proof,
      ...(chunk.format === 'V1' ? { format: chunk.format } : {}),
      ...chunk.extra,
    })),
    ...manifest.extra,
  });
}

export function encodeStateSnapshotManifest(manifest: StateSnapshotManifest): Uint8Array {
  return encode({
    version: manifest.version,
    epoch: manifest.epoch,
    root_hash: manifest.rootHash,
    chunks: manifest.chunks.map((chunk) => ({
      first_idx: chunk.firstIdx,
      last_idx: chunk.lastIdx,
      first_key: chunk.firstKey,
      last_key: chunk.lastKey,
      blobs: chunk.blobs,
      proof: chunk.proof,
      ...chunk.extra,
    })),
    proof: manifest.proof,
    ...manifest.extra,
  });
}

/** @throws AptosDataError MANIFEST_INVALID naming the field, JSON_INVALID */
export function decodeEpochEndingManifest(bytes: Uint8Array): EpochEndingManifest {
  const fields = new Fields(decode(bytes), 'epoch ending manifest', 'MANIFEST_INVALID');
  const manifest: EpochEndingManifest = {
    firstEpoch: fields.u64('first_epoch'),
    lastEpoch: fields.u64('last_epoch'),
    waypoints: fields.list('waypoints').map((text) => waypoint(fields, text)),
    chunks: fields.list('chunks').map((value, i) => {
      const chunk = new Fields(value, `epoch ending manifest, chunk ${i}`, 'MANIFEST_INVALID');
      return withExtra(chunk, {
        firstEpoch: chunk.u64('first_epoch'),
        lastEpoch: chunk.u64('last_epoch'),
        ledgerInfos: chunk.string('ledger_infos'),
      });
    }),
  };
  const { firstEpoch, lastEpoch } = manifest;
  requireContiguous(
    fields,
    [firstEpoch, lastEpoch],
    manifest.chunks.map((c) => [c.firstEpoch, c.lastEpoch]),
  );
  if (BigInt(manifest.waypoints.length) !== lastEpoch - firstEpoch + 1n) {
    throw fields.invalid(
      `it has ${manifest.waypoints.length} waypoints for epochs ${firstEpoch} to ${lastEpoch}`,
    );
  }
  return withExtra(fields, manifest);
}

/** @throws AptosDataError MANIFEST_INVALID naming the field, JSON_INVALID */
export function decodeTransactionManifest(bytes: Uint8Array): TransactionManifest {
  const fields = new Fields(decode(bytes), 'transaction manifest', 'MANIFEST_INVALID');
  const manifest: TransactionManifest = {
    firstVersion: fields.u64('first_version'),
    lastVersion: fields.u64('last_version'),
    chunks: fields.list('chunks').map((value, i) => {
      const chunk = new Fields(value, `transaction manifest, chunk ${i}`, 'MANIFEST_INVALID');
      const format = chunk.optional('format') ?? 'V0';
      if (format !== 'V0' && format !== 'V1') throw chunk.invalid('format is neither V0 nor V1');
      return withExtra(chunk, {
        firstVersion: chunk.u64('first_version'),
        lastVersion: chunk.u64('last_version'),
        transactions: chunk.string('transactions'),
        proof: chunk.string('proof'),
        format,
      });
    }),
  };
  requireContiguous(
    fields,
    [manifest.firstVersion, manifest.lastVersion],
    manifest.chunks.map((c) => [c.firstVersion, c.lastVersion]),
  );
  return withExtra(fields, manifest);
}

/** @throws AptosDataError MANIFEST_INVALID naming the field, JSON_INVALID */
export function decodeStateSnapshotManifest(bytes: Uint8Array): StateSnapshotManifest {
  const fields = new Fields(decode(bytes), 'state manifest', 'MANIFEST_INVALID');
  const manifest: StateSnapshotManifest = {
    version: fields.u64('version'),
    epoch: fields.u64('epoch'),
    rootHash: fields.hash('root_hash'),
    chunks: fields.list('chunks').map((value, i) => {
      const chunk = new Fields(value, `state manifest, chunk ${i}`, 'MANIFEST_INVALID');
      return withExtra(chunk, {
        firstIdx: chunk.u64('first_idx'),
        lastIdx: chunk.u64('last_idx'),
        firstKey: chunk.hash('first_key'),
        lastKey: chunk.hash('last_key'),
        blobs: chunk.string('blobs'),
        proof: chunk.string('proof'),
      });
    }),
    proof: fields.string('proof'),
  };
  const last = manifest.chunks.at(-1);
  if (last) {
    requireContiguous(
      fields,
      [0n, last.lastIdx],
      manifest.chunks.map((c) => [c.firstIdx, c.lastIdx]),
    );
  }
  let key = '';
  for (const chunk of manifest.chunks) {
    if (chunk.firstKey <= key || chunk.lastKey < chunk.firstKey) {
      throw fields.invalid(`keys do not ascend at item ${chunk.firstIdx}`);
    }
    key = chunk.lastKey;
  }
  return withExtra(fields, manifest);
}

type Span = readonly [first: bigint, last: bigint];

/** Checks that the chunks cover the whole range without gaps and overlaps. */
function requireContiguous(fields: Fields, whole: Span, chunks: readonly Span[]): void {
  if (whole[0] > whole[1])
    throw fields.invalid(`it ends (${whole[1]}) before it begins (${whole[0]})`);
  let next = whole[0];
  for (const [first, last] of chunks) {
    if (first !== next) throw fields.invalid(`chunk ${first}-${last} should begin at ${next}`);
    if (last < first) throw fields.invalid(`chunk ${first}-${last} ends before it begins`);
    next = last + 1n;
  }
  if (next !== whole[1] + 1n) {
    throw fields.invalid(`its chunks end before ${next}, not at ${whole[1]}`);
  }
}

function waypoint(fields: Fields, text: JsonValue): string {
  try {
    return formatWaypoint(parseWaypoint(typeof text === 'string' ? text : stringifyJson(text)));
  } catch (error) {
    throw fields.invalid((error as Error).message);
  }
}

function withExtra<T extends object>(fields: Fields, value: T): T & { extra?: JsonObject } {
  const extra = fields.rest();
  return extra ? { ...value, extra } : value;
}

function encode(value: JsonObject): Uint8Array {
  return Buffer.from(stringifyJson(value), 'utf8');
}

function decode(bytes: Uint8Array): JsonValue {
  requireFewValues(bytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AptosDataError('JSON_INVALID', 'not valid JSON: it is not UTF-8');
  }
  return parseJson(text);
}

/** Counts the values before they are parsed. Characters inside strings count too, so the count may be too high. */
function requireFewValues(bytes: Uint8Array): void {
  let values = 0;
  for (const byte of bytes) {
    if (byte === COMMA || byte === BRACKET || byte === BRACE) values += 1;
  }
  if (values <= MOST_VALUES) return;
  throw new AptosDataError('MANIFEST_INVALID', `it has more than ${MOST_VALUES} values`);
}
