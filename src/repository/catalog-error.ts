import { CodedError } from '../errors/coded-error.js';

/** A storage that holds backups lists none, or fewer, of them: that is an outage, never an empty storage. */
export class CatalogError extends CodedError<'LISTING_EMPTY' | 'LISTING_SHORT'> {
  override readonly name = 'CatalogError';
}
