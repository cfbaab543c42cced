import type { StorageBackend } from '../backend.js';
import { ObjectBackend } from '../objects/object-backend.js';
import { readObjectUrl } from '../objects/object-url.js';
import { S3Store } from './s3-store.js';

/**
 * The storage at a URL `s3://bucket/prefix`. `region` and `endpoint` say where the bucket is, `anonymous=true` reads a
 * public one without credentials, `encoding` and `gzip_level` say how a new storage is written. Touches nothing.
 * @throws StorageError PATH_INVALID
 */
export function openS3(text: string): StorageBackend {
  const { url, options, endpoint, anonymous } = readObjectUrl(text, ['region']);
  const { bucket, prefix, parameters } = url;
  const region = parameters.get('region');
  const store = new S3Store({ bucket, prefix, endpoint }, { region, endpoint, anonymous });
  return new ObjectBackend(store, options);
}
