import type { StorageBackend } from '../backend.js';
import { ObjectBackend } from '../objects/object-backend.js';
import { readObjectUrl } from '../objects/object-url.js';
import { AzureStore } from './azure-store.js';

/**
 * `azblob://account/container/prefix`, with `endpoint` for another blob service than that of Azure's public cloud, and
 * `anonymous=true` for a public container. Touches nothing, and loads no SDK before the first operation.
 * @throws StorageError PATH_INVALID, which names what is wrong
 */
export function openAzure(text: string): StorageBackend {
  const { url, options, endpoint, anonymous } = readObjectUrl(text);
  const { bucket: account, container = '', prefix } = url;
  const place = { account, container, prefix, endpoint, anonymous };
  return new ObjectBackend(new AzureStore(place), options);
}
