import * as v from 'valibot';
import { BACKUP_TYPES, perKind } from '../kinds/index.js';
import { flag, text, u64Text } from '../shape.js';
import { restorable } from './coordinator-answers.js';
import { field, isoTime, maybe, number, run, yes } from './fields.js';

/** How a backup is proven. */
export type HowProven = v.InferOutput<typeof howProven>;
const howProven = v.picklist(['signed', 'chained', 'unproven', 'unknown']);
const HOW_PROVEN =
  'by the signatures of validators, by the chain of hashes to a trusted waypoint, not yet, or nobody says: the manifest is of the stock tool, and no verification has read it';

/** What of a backup is known only when its manifest and its folder were read. */
const read = {
  bytes: maybe(
    number,
    'bytes of its manifest and of all files that this names, as they are stored',
  ),
  content_bytes: maybe(number, 'bytes of its chunks without gzip; only our own manifests say them'),
  chunks: maybe(number, 'chunk files'),
  proven: maybe(howProven, HOW_PROVEN),
  verified_at: maybe(isoTime, 'when all of it was last read by verifications'),
  fault: maybe(text, 'what is wrong with it, as far as it was looked at'),
};

const named = {
  kind: field(v.picklist(BACKUP_TYPES), 'its kind'),
  first: field(u64Text, 'its first epoch or version; of a snapshot the epoch'),
  last: field(u64Text, 'its last epoch or version; of a snapshot the epoch'),
  version: maybe(u64Text, 'of a snapshot: its version'),
  backup: field(text, 'its folder'),
  manifest: field(text, 'its manifest'),
  metadata: field(text, 'the file with its metadata line'),
  committed_at: maybe(
    isoTime,
    'when its line, or else its manifest, was written, by the clock of the store; a copy has the time of the copying',
  ),
};

/** A backup, as `repository list` shows it. */
export type ListedBackup = v.InferOutput<typeof listedBackup>;
export const listedBackup = v.object({ ...named, ...read });

const source = {
  storage: field(text, 'the storage'),
  indexed_at: maybe(
    isoTime,
    'the store lists nothing to us: all this is what the index of this time says',
  ),
};

/** What `repository list --json` prints. */
export const backupList = v.object({
  ...source,
  backups: field(v.array(listedBackup), 'the backups, by kind and range'),
  damaged: field(
    v.array(v.object({ object: field(text, 'the file'), why: field(text, 'what is wrong') })),
    'metadata that cannot be read; the first twenty',
  ),
});

const shownFile = {
  file: field(text, 'its handle'),
  bytes: maybe(number, 'its size as it is stored; absent when it is not there, or nobody looked'),
  state: field(
    v.picklist(['there', 'missing', 'wrong size', 'not looked at']),
    "`there`: with the size that the manifest says, if it says one and the file is not gzip'd",
  ),
};

/** What `repository show --json` prints. */
export type ShownBackup = v.InferOutput<typeof shownBackup>;
export const shownBackup = v.object({
  ...source,
  ...named,
  ...read,
  line: field(text, 'its metadata line'),
  waypoint: maybe(text, 'the waypoint that it is chained to'),
  root_hash: maybe(text, 'of a snapshot: the root of the state, as the manifest says'),
  manifest_bytes: maybe(number, 'bytes of the manifest, without gzip'),
  files: field(
    v.object({
      named: field(number, 'files that the manifest names'),
      there: field(number, 'of these, those that are there as it says'),
      wrong: field(v.array(text), 'those that are missing or have another size; the first twenty'),
      looked_at: field(flag, 'false: the storage cannot list files, so nobody looked'),
    }),
    'its files',
  ),
  parts: field(
    v.array(
      v.object({
        first: field(u64Text, 'its first epoch, version or item'),
        last: field(u64Text, 'its last'),
        ...shownFile,
        content_bytes: maybe(number, 'its size without gzip, as the manifest says'),
        proof: maybe(v.object(shownFile), 'the file that proves it'),
      }),
    ),
    'its chunks',
  ),
  strays: field(v.array(text), 'files in its folder that nothing names; the first twenty'),
  storage_verified_at: maybe(isoTime, 'when the whole storage was last proven'),
});

/** What `repository stats` says of one kind. */
export type KindStats = v.InferOutput<typeof kindStats>;
const kindStats = v.object({
  backups: field(number, 'backups that metadata lines name'),
  newest: maybe(u64Text, 'the newest epoch or version'),
  bytes: maybe(
    number,
    'bytes in their folders, as they are stored; absent: the store lists no folders',
  ),
  holes: field(number, 'gaps below the newest; snapshots have none'),
  first_holes: field(v.array(run), 'the first twenty of these'),
  overlaps: field(number, 'backups that begin before the one before them ends'),
  first_overlaps: field(v.array(run), 'what is stored more than once; the first twenty'),
  bytes_a_day: maybe(number, 'growth; absent when it is unknown'),
  records_a_day: maybe(number, 'growth in epochs, snapshots or versions'),
});

/** What `repository stats --json` prints. */
export type StorageStats = v.InferOutput<typeof storageStats>;
export const storageStats = v.object({
  ...source,
  kinds: field(v.object(perKind(() => field(kindStats, 'of one kind'))), 'by kind'),
  metadata_files: field(number, 'metadata files'),
  damaged: field(number, 'metadata lines and files that cannot be read'),
  bytes: maybe(number, 'all bytes that the storage holds, metadata and orphans included'),
  growth: field(
    v.object({
      bytes_a_day: maybe(number, 'bytes that are added a day; absent: unknown'),
      over_days: maybe(number, 'over so many days, at most thirty'),
      why_unknown: maybe(text, 'why nobody knows it'),
    }),
    'how the storage grows, by the times at which backups were committed',
  ),
  orphans: maybe(
    v.object({
      folders: field(number, 'folders that no metadata line names'),
      bytes: field(number, 'bytes in them'),
      first: field(
        v.array(
          v.object({
            folder: field(text, 'its name'),
            bytes: field(number, 'bytes in it'),
            what: field(
              v.picklist(['unfinished', 'foreign']),
              '`unfinished`: ours, not committed, and perhaps in work; `foreign`: of somebody else, or ours after its line was lost',
            ),
            changed_at: maybe(isoTime, 'when a file in it was last written'),
          }),
        ),
        'the twenty with the most bytes',
      ),
    }),
    'absent: the store lists no folders',
  ),
  restorable: field(restorable, 'what the stock tool restores, by the metadata'),
  verified_at: maybe(isoTime, 'when the whole storage was last proven'),
});

/** `aptos-backup/latest.json`, which `repository index` writes, and what it prints. */
export type Latest = v.InferOutput<typeof latest>;
export const latest = v.object({
  latest: field(v.literal(1), 'version of this form'),
  at: field(isoTime, 'when the metadata was listed'),
  genesis_waypoint: maybe(text, 'the chain, as the storage names it'),
  epoch_ending: maybe(
    v.object({ epoch: field(u64Text, 'the newest epoch'), proven: field(howProven, HOW_PROVEN) }),
    'the newest epoch ending',
  ),
  transaction: maybe(
    v.object({ version: field(u64Text, 'the newest'), proven: field(howProven, HOW_PROVEN) }),
    'the newest transaction',
  ),
  state_snapshot: maybe(
    v.object({
      epoch: field(u64Text, 'its epoch'),
      version: field(u64Text, 'its version'),
      manifest: field(text, 'its manifest'),
      proven: field(howProven, HOW_PROVEN),
    }),
    'the newest state snapshot',
  ),
  restorable: field(restorable, 'what the stock tool restores, by the metadata'),
  verified_at: maybe(isoTime, 'when the whole storage was last proven'),
  metadata_files: field(number, 'metadata files'),
  incomplete: maybe(yes, 'some metadata cannot be read'),
  index: field(text, 'the file of the index'),
  index_bytes: field(number, 'its size'),
  index_sha256: field(text, 'its SHA-256'),
});
