import type { StorageBackend } from '../backend.js';
import { ObjectBackend } from '../objects/object-backend.js';
import { readObjectUrl } from '../objects/object-url.js';
import { GOOGLE } from './gcs-place.js';
import { GcsStore } from './gcs-store.js';

/**
 * The storage at a URL `gs://bucket/prefix`. `endpoint` names another server than Google's, `anonymous=true` uses no
 * credentials, `encoding` and `gzip_level` say how a new storage is written. Touches nothing.
 * @throws StorageError PATH_INVALID
 */
export function openGcs(text: string): StorageBackend {
  const { url, options, endpoint = GOOGLE, anonymous } = readObjectUrl(text);
  const { bucket, prefix } = url;
  return new ObjectBackend(new GcsStore({ bucket, prefix, endpoint, anonymous }), options);
}
