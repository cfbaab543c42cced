import { AptosDataError } from '../data-error.js';
import { Fields } from './fields.js';
import { type JsonObject, type JsonValue, parseJson, stringifyJson } from './json.js';
import {
  epochEndingMetadataName,
  stateSnapshotMetadataName,
  transactionMetadataName,
} from './names.js';

/** One line of a storage's metadata (docs/formats.md, Metadata). Only such a line commits a backup. */
export type MetadataLine =
  | {
      type: 'EpochEndingBackup';
      firstEpoch: bigint;
      lastEpoch: bigint;
      /** Versions at which the first and the last epoch end. */
      firstVersion: bigint;
      lastVersion: bigint;
      manifest: string;
      extra?: JsonObject;
    }
  | {
      type: 'StateSnapshotBackup';
      epoch: bigint;
      version: bigint;
      manifest: string;
      extra?: JsonObject;
    }
  | {
      type: 'TransactionBackup';
      firstVersion: bigint;
      lastVersion: bigint;
      manifest: string;
      extra?: JsonObject;
    }
  | { type: 'Identity'; id: string; extra?: JsonObject }
  | {
      type: 'CompactionTimestamps';
      fileCompactedAt: bigint;
      /** By handle of a file that a compaction replaced: when the stock tool noticed that (unix seconds). */
      compactionTimestamps: Map<string, bigint | null>;
      extra?: JsonObject;
    };

/** One metadata line with its newline, as the stock tool writes it (docs/formats.md, Metadata). */
export function encodeMetadataLine(line: MetadataLine): Uint8Array {
  const content = { ...fieldsOf(line), ...line.extra };
  return Buffer.from(`${stringifyJson({ [line.type]: content })}\n`, 'utf8');
}

function fieldsOf(line: MetadataLine): JsonObject {
  switch (line.type) {
    case 'EpochEndingBackup':
      return {
        first_epoch: line.firstEpoch,
        last_epoch: line.lastEpoch,
        first_version: line.firstVersion,
        last_version: line.lastVersion,
        manifest: line.manifest,
      };
    case 'StateSnapshotBackup':
      return { epoch: line.epoch, version: line.version, manifest: line.manifest };
    case 'TransactionBackup':
      return {
        first_version: line.firstVersion,
        last_version: line.lastVersion,
        manifest: line.manifest,
      };
    case 'Identity':
      return { id: line.id };
    case 'CompactionTimestamps':
      return {
        file_compacted_at: line.fileCompactedAt,
        compaction_timestamps: Object.fromEntries(line.compactionTimestamps),
      };
  }
}

/** The stock tool and our tool write this file into a storage before any backup. */
export const IDENTITY_FILE = 'identity.meta';

/** The name of the file in which the stock tool stores a line. It follows from the content of the line. */
export function metadataFileName(line: MetadataLine): string {
  switch (line.type) {
    case 'EpochEndingBackup':
      return epochEndingMetadataName(line.firstEpoch, line.lastEpoch);
    case 'StateSnapshotBackup':
      return stateSnapshotMetadataName(line.version);
    case 'TransactionBackup':
      return transactionMetadataName(line.firstVersion, line.lastVersion);
    case 'Identity':
      return IDENTITY_FILE;
    case 'CompactionTimestamps':
      return `compaction_timestamps_${line.fileCompactedAt}.meta`;
  }
}

/** After so many lines that cannot be read, the rest of a metadata file is not read. */
const MOST_ERRORS = 1000;
const NEWLINE = 0x0a;

/**
 * Reads the lines of a metadata file. A line that cannot be read gives an error and does not hide the others:
 * JSON_INVALID when it is cut off or blank, METADATA_INVALID when its kind is unknown or a field is wrong.
 */
export function parseMetadataFile(bytes: Uint8Array): {
  lines: MetadataLine[];
  errors: AptosDataError[];
} {
  const lines: MetadataLine[] = [];
  const errors: AptosDataError[] = [];
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let number = 1, at = 0; at < content.length; number += 1) {
    if (errors.length === MOST_ERRORS) {
      const why = `line ${number} and all after it were not read: too many cannot be read`;
      errors.push(new AptosDataError('METADATA_INVALID', why));
      break;
    }
    const newline = content.indexOf(NEWLINE, at);
    const end = newline === -1 ? content.length : newline;
    try {
      lines.push(parseMetadataLine(content.toString('utf8', at, end)));
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      errors.push(new AptosDataError(error.code, `line ${number}: ${error.message}`));
    }
    at = end + 1;
  }
  return { lines, errors };
}

/** Reads one line, without its newline. @throws AptosDataError JSON_INVALID, METADATA_INVALID */
export function parseMetadataLine(text: string): MetadataLine {
  const line = parseJson(text);
  const tagged = typeof line === 'object' && line !== null && !Array.isArray(line) ? line : {};
  const [kind, ...others] = Object.keys(tagged);
  if (kind === undefined || others.length > 0) {
    throw new AptosDataError('METADATA_INVALID', 'it is not an object with one field');
  }
  const fields = new Fields(tagged[kind], kind, 'METADATA_INVALID');
  const parsed = parseKind(kind, fields);
  const extra = fields.rest();
  return extra ? { ...parsed, extra } : parsed;
}

function parseKind(kind: string, fields: Fields): MetadataLine {
  switch (kind) {
    case 'EpochEndingBackup':
      return inOrder(fields, {
        type: kind,
        firstEpoch: fields.u64('first_epoch'),
        lastEpoch: fields.u64('last_epoch'),
        firstVersion: fields.u64('first_version'),
        lastVersion: fields.u64('last_version'),
        manifest: fields.string('manifest'),
      });
    case 'StateSnapshotBackup':
      return {
        type: kind,
        epoch: fields.u64('epoch'),
        version: fields.u64('version'),
        manifest: fields.string('manifest'),
      };
    case 'TransactionBackup':
      return inOrder(fields, {
        type: kind,
        firstVersion: fields.u64('first_version'),
        lastVersion: fields.u64('last_version'),
        manifest: fields.string('manifest'),
      });
    case 'Identity':
      return { type: kind, id: fields.hash('id') };
    case 'CompactionTimestamps':
      return {
        type: kind,
        fileCompactedAt: fields.u64('file_compacted_at'),
        compactionTimestamps: timestamps(fields),
      };
    default:
      throw new AptosDataError('METADATA_INVALID', `unknown kind of line "${kind.slice(0, 60)}"`);
  }
}

function inOrder<
  T extends { firstVersion: bigint; lastVersion: bigint; firstEpoch?: bigint; lastEpoch?: bigint },
>(fields: Fields, line: T): T {
  const epochs = line.firstEpoch !== undefined && line.firstEpoch > line.lastEpoch!;
  if (epochs || line.firstVersion > line.lastVersion) {
    throw fields.invalid('it ends before it begins');
  }
  return line;
}

function timestamps(fields: Fields): Map<string, bigint | null> {
  const entries = Object.entries(fields.object('compaction_timestamps'));
  return new Map(
    entries.map(([handle, value]: [string, JsonValue]) => {
      if (value !== null && typeof value !== 'bigint') {
        throw fields.invalid(`compaction_timestamps of ${handle} is neither a number nor null`);
      }
      return [handle, value];
    }),
  );
}
