import * as v from 'valibot';
import { whyNoFolder } from './folder-path.js';
import type { StorageConfig } from './job.js';
import { networkProblem } from './network.js';
import { mustBe, show } from './schema.js';
import { storageSettings } from './storage-name.js';
import { readStorageUrl } from '../lib/storage-url.js';
import { parseU64 } from '../lib/u64.js';

/** The fields that several inputs share. */

export const DEFAULT_MAX_CHUNK_SIZE = 134_217_728;
const MOST_CHUNK_SIZE = 0xffff_ffffn;
const MAX_CONCURRENCY = 64;
const MOST_NODES = 16;
/** Inputs travel in histories, and in what one run of a workflow hands to the next. */
const MOST_URL = 2_000;
const MOST_WAYPOINTS = 1_000;

/** The URL of a backup service. Slashes at its end are cut off. */
export const node = v.pipe(
  v.custom<string>(isAddress, mustBe('the URL of a backup service, like "http://localhost:6186"')),
  v.transform((url) => url.replace(/\/+$/, '')),
);

/** Whether requests can be sent to this URL with a path added. */
function isAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > MOST_URL) return false;
  if (!/^https?:\/\/[^\s/@,?#]+(\/[^\s?#]*)?$/.test(value)) return false;
  try {
    return new URL(value).port !== '0';
  } catch {
    return false;
  }
}

/** One URL, or a list of different ones. */
export const nodes = v.pipe(
  v.custom<string | readonly string[]>(() => true),
  v.transform((value): readonly unknown[] => (Array.isArray(value) ? value : [value])),
  v.check(
    ({ length }) => length >= 1 && length <= MOST_NODES,
    ({ input }) => `must be one URL or a list of 1 to ${MOST_NODES}, not a list of ${input.length}`,
  ),
  v.array(node),
  v.check(
    (list) => secondOf(list) === undefined,
    ({ input }) => `: ${show(secondOf(input))} is given twice`,
  ),
  v.title('URL, or list of URLs'),
);

/** The first node that the list repeats. */
function secondOf(list: readonly string[]): string | undefined {
  const lower = list.map((one) => one.toLowerCase());
  return list.find((_, i) => lower.indexOf(lower[i]!) < i);
}

const STORAGE_FORMS =
  '{"local_fs_dir": "/a/folder"}, a URL like "s3://bucket/prefix" or "file:///a/folder", or {"command_adapter_config": "/a/file.yaml"}';

/** Where backups go, however it is written (storage-name.ts). */
export const storage = v.pipe(
  v.custom<StorageConfig>(() => true), // our own code writes this form; people may write the others
  v.transform((value: StorageConfig): unknown => storageSettings(value)),
  v.custom<StorageConfig>(
    (value) => storageProblem(value) === undefined,
    ({ input }) => storageProblem(input) ?? '',
  ),
  v.title(
    '`"s3://bucket/prefix"`, `{"local_fs_dir": "/a/folder"}` or `{"command_adapter_config": "/a/file.yaml"}`',
  ),
);

/** Shows no value but a path: a URL may hold what is secret. */
function storageProblem(value: unknown): string | undefined {
  const given = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const [[field, name] = []] = given;
  if (given.length !== 1 || typeof name !== 'string' || name === '') {
    return `storage must be ${STORAGE_FORMS}`;
  }
  if (field === 'url') {
    const url = readStorageUrl(name);
    return 'problem' in url ? `storage ${url.problem}` : undefined;
  }
  if (field !== 'local_fs_dir' && field !== 'command_adapter_config') {
    return `storage must be ${STORAGE_FORMS}`;
  }
  const why = whyNoFolder(name);
  return why && `storage.${field} ${why}, not ${show(name)}`;
}

/**
 * A known network, or `custom:NAME` for a chain of one's own. A name that is neither is a slip, and would
 * turn the guard off.
 */
export const network = v.pipe(
  v.custom<string>(
    (value) => networkProblem(value) === undefined,
    ({ input }) => networkProblem(input) ?? '',
  ),
  v.title('name'),
);

const WAYPOINT = /^([0-9]{1,20}):([0-9a-fA-F]{64})$/;
const waypoint = v.pipe(
  v.custom<string>(
    (value) => typeof value === 'string' && parseU64(WAYPOINT.exec(value)?.[1]) !== undefined,
    ({ input }) => `: ${show(input)} is not VERSION:HASH (64 hex digits)`,
  ),
  v.transform((text) => {
    const [version, hash] = text.toLowerCase().split(':');
    return `${BigInt(version!)}:${hash}`;
  }),
);

export const waypoints = v.pipe(
  v.custom<readonly string[]>(Array.isArray, 'must be a list of "VERSION:HASH"'),
  v.transform((list): readonly unknown[] => list),
  v.maxLength(
    MOST_WAYPOINTS,
    ({ received }) => `must be a list of at most ${MOST_WAYPOINTS} waypoints, not of ${received}`,
  ),
  v.array(waypoint),
  v.check(
    (list) => secondVersion(list) === undefined,
    ({ input }) => `: version ${secondVersion(input)} is given twice`,
  ),
  v.title('list of `VERSION:HASH`'),
);

function secondVersion(list: readonly string[]): string | undefined {
  const versions = list.map((text) => text.split(':')[0]!);
  return versions.find((version, i) => versions.indexOf(version) < i);
}

export const maxChunkSize = v.pipe(
  v.custom<number | string>((value) => {
    const size = parseU64(value);
    return size !== undefined && size >= 1n && size <= MOST_CHUNK_SIZE;
  }, mustBe('a number of bytes from 1 to 2^32-1')),
  v.transform(Number),
  v.title('bytes'),
);

/** How many ranges or tasks may be in flight. */
export const concurrency = v.pipe(
  v.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CONCURRENCY,
    mustBe(`a whole number from 1 to ${MAX_CONCURRENCY}`),
  ),
  v.title(`1 to ${MAX_CONCURRENCY}`),
);
