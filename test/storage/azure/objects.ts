import { call } from './container.js';
import type { AzureStore } from '../../../src/storage/azure/azure-store.js';
import type { StoredObject } from '../../../src/storage/objects/object-store.js';

/** Content whose blocks all differ. */
export function content(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes, seed);
  for (let at = 0; at + 4 <= bytes; at += 4096) made.writeUInt32LE(seed + at, at);
  return made;
}

export async function put(
  store: AzureStore,
  key: string,
  bytes: Uint8Array,
  ifAbsent = true,
): Promise<'created' | 'exists'> {
  const upload = await store.upload(key, call());
  try {
    await upload.write(bytes);
    return await upload.complete({ ifAbsent });
  } finally {
    await upload.abort();
  }
}

export async function get(store: AzureStore, key: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of store.get(key, call())) parts.push(part);
  return Buffer.concat(parts);
}

export async function list(
  store: AzureStore,
  prefix = '',
): Promise<{ keys: string[]; objects: StoredObject[]; folders: string[]; pages: number }> {
  const objects: StoredObject[] = [];
  const folders: string[] = [];
  let pages = 0;
  for await (const page of store.list(prefix, { delimited: false }, call())) {
    objects.push(...page.objects);
    folders.push(...page.folders);
    pages += 1;
  }
  return { keys: objects.map(({ key }) => key), objects, folders, pages };
}
