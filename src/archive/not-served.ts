import { AptosDataError } from '../aptos/index.js';
import { isStorageError } from '../storage/storage-error.js';

/** The archive does not have what was asked for, as a node that has pruned it. */
export class NotStored extends Error {
  override readonly name = 'NotStored';
}

/** A stored file is not what it should be, or is missing. Nothing of it is served as if it were good. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';

  constructor(
    /** Handle of the file. */
    readonly object: string,
    readonly code: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`${object}: ${why}`, options);
  }
}

/** Runs work on a stored file. What is wrong with the file becomes a `DamagedFile` that names it. */
export async function about<T>(object: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw damagedIf(object, error);
  }
}

export function damagedIf(object: string, error: unknown): unknown {
  const isData = error instanceof AptosDataError;
  if (isData || isStorageError(error, 'NOT_FOUND', 'DAMAGED', 'TOO_LARGE', 'NAME_INVALID')) {
    return new DamagedFile(object, error.code, error.message, { cause: error });
  }
  return error;
}

/** The error for a manifest that lacks what its metadata says it has. */
export function unlike(manifest: string, what: string): DamagedFile {
  const why = `it does not have ${what}, although metadata says so; put it back from a copy`;
  return new DamagedFile(manifest, 'MANIFEST_INVALID', why);
}
