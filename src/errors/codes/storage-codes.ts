import type { ErrorEntry } from '../entry.js';

/** The place for files. */
export const STORAGE_ERRORS = {
  NOT_FOUND: {
    meaning: 'A file that should be in the storage is not there.',
    fault: 'the storage',
    retryable: false,
    finding: 'MISSING',
    whatToDo: 'Put the file back from a copy, or run a verification to see what is missing.',
  },
  STORAGE_MISSING: {
    meaning: 'The storage to read is not there.',
    fault: 'the input',
    retryable: false,
    whatToDo:
      'Check the path and the mount, or the names of bucket and prefix. The first backup begins a storage, and never makes a bucket.',
  },
  FOLDER_GONE: {
    meaning:
      'The folder or bucket to write into is not there, or somebody removed a file while it was being written.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Mount the storage again. The work goes on by itself.',
  },
  EXISTS_DIFFERENT: {
    meaning: 'A metadata file of this name exists with other content. Nothing was changed.',
    fault: 'the storage',
    retryable: false,
    whatToDo: 'See which of the two backups is good, and move the other metadata file away.',
  },
  NAME_INVALID: {
    meaning:
      'A name or link could lead outside of the storage, or in a circle. It was not followed.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo:
      'Look at the file that the message names. Replace a link by the file that it points to.',
  },
  PATH_INVALID: {
    meaning:
      'The path, or a part of it, is a file where a folder must be, or a folder where a file must be.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Check the path that the message names.',
  },
  ADAPTER_INVALID: {
    meaning: 'The file of a command adapter cannot be read, or a field of it is missing or wrong.',
    fault: 'the input',
    retryable: false,
    whatToDo: 'Correct the file and the field that the message names.',
  },
  PLACE_UNUSABLE: {
    meaning: 'No storage can be made in this place. Nothing was written yet.',
    fault: 'the input',
    retryable: false,
    whatToDo:
      'Correct the path, its owner and mode, or the mount; or the bucket, the credentials and their rights. Then start again.',
  },
  TOO_LARGE: {
    meaning: 'A file is larger than a file of its kind can be.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Put the file back from a copy, or run a verification.',
  },
  DAMAGED: {
    meaning: 'A file breaks off, fails its checksum, or cannot be decoded.',
    fault: 'the storage',
    retryable: false,
    finding: 'DAMAGED',
    whatToDo: 'Put the file back from a copy, or run a verification.',
  },
  ENCODING_UNKNOWN: {
    meaning:
      'The metadata is compressed or encrypted in a way that cannot be read. Nothing was written.',
    fault: 'the storage',
    retryable: false,
    whatToDo:
      'Decode the metadata files, plain or with gzip, or move foreign files out of metadata/.',
  },
  NO_SPACE: {
    meaning: 'The disk is full, the quota is used up, or no inodes are left.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Make room. The work goes on by itself.',
  },
  READ_ONLY: {
    meaning: 'The file system became read-only.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Check the disk and mount it again. The work goes on by itself.',
  },
  DENIED: {
    meaning: 'The storage does not permit the access.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo:
      'Correct owner and mode, or the credentials and their rights. The work goes on by itself.',
  },
  STORAGE_UNFIT: {
    meaning:
      'The storage cannot do something that backups need, such as syncing a file, or refusing to create a file that exists.',
    fault: 'the storage',
    retryable: false,
    whatToDo: 'Use another storage, or mount the folder with other options.',
  },
  SYNC_FAILED: {
    meaning: 'A file could not be made durable, although the storage could do it before.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Check the mount. If it does not pass, use another one.',
  },
  STORAGE_STALLED: {
    meaning: 'The storage did not answer in time. It may hang for ever.',
    fault: 'the storage',
    retryable: true,
    budget: 'stalled',
    whatToDo: 'Check the file server and the mount.',
  },
  STORAGE_THROTTLED: {
    meaning: 'The storage asks for fewer requests, and still does after minutes of longer pauses.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Nothing, or fewer lanes and workers. The work goes on by itself.',
  },
  STORAGE_FAILED: {
    meaning: 'The storage reported a fault that may pass, such as a server that does not answer.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Do what the message says: the disk, the file server, or a limit of this host.',
  },
  LISTING_EMPTY: {
    meaning: 'A storage that holds backups lists no metadata. That is taken for an outage.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo: 'Check the mount. If the backups were removed on purpose, do what the message says.',
  },
  LISTING_SHORT: {
    meaning:
      'The storage does not list all files that were there before. That is taken for an outage.',
    fault: 'the storage',
    retryable: true,
    budget: 'storage',
    whatToDo:
      'Check the store and what lists it. If files were removed on purpose, do what the message says.',
  },
} as const satisfies Record<string, ErrorEntry>;
