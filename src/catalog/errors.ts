/**
 * - LISTING_EMPTY: a storage that holds backups listed no metadata; taken for an outage, never for
 *   an empty storage
 */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
  readonly code = 'LISTING_EMPTY';
  readonly retryable = true;
}
