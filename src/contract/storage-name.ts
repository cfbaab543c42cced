import { readStorageUrl, storageUrlText } from '../lib/storage-url.js';
import type { StorageConfig } from './job.js';

const ADAPTER = 'command adapter ';

/** What names a storage for people and in statuses: the path of a folder, a URL, or `command adapter` and its file. */
export function storageName(storage: StorageConfig): string {
  if ('local_fs_dir' in storage) return storage.local_fs_dir;
  if ('url' in storage) return storage.url;
  return `${ADAPTER}${storage.command_adapter_config}`;
}

/** Whether both name the same place, in whatever way it is to be reached and written. */
export function isSamePlace(a: StorageConfig, b: StorageConfig): boolean {
  return placeOf(a) === placeOf(b);
}

/** Whether one of two places is a folder or prefix inside the other. Links are not followed. */
export function isNested(a: StorageConfig, b: StorageConfig): boolean {
  const [one, other] = [foldersOf(a), foldersOf(b)];
  if (!one || !other || one.length === other.length) return false;
  const [outer, inner] = one.length < other.length ? [one, other] : [other, one];
  return outer.every((folder, i) => folder === inner[i]);
}

/** The names on the way to a place: the first says of which store or bucket it is. Undefined for an adapter. */
function foldersOf(storage: StorageConfig): string[] | undefined {
  if ('command_adapter_config' in storage) return undefined;
  if ('local_fs_dir' in storage) return ['/', ...plainFolders(storage.local_fs_dir)];
  const url = readStorageUrl(storage.url);
  if ('problem' in url) return undefined;
  const { prefix, ...bucket } = url;
  return [placeOf({ url: storageUrlText({ ...bucket, prefix: '' }) }), ...plainFolders(prefix)];
}

function plainFolders(path: string): string[] {
  const folders: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') folders.pop();
    else if (name !== '' && name !== '.') folders.push(name);
  }
  return folders;
}

/** Of the parameters of a URL, only another server than the vendor's tells places apart. */
function placeOf(storage: StorageConfig): string {
  if ('local_fs_dir' in storage) return `/${plainFolders(storage.local_fs_dir).join('/')}`;
  const url = 'url' in storage ? readStorageUrl(storage.url) : undefined;
  if (!url || 'problem' in url) return storageName(storage);
  const endpoint = url.parameters.get('endpoint')?.replace(/\/+$/, '');
  return storageUrlText({ ...url, parameters: new Map(endpoint ? [['endpoint', endpoint]] : []) });
}

/** The storage that a name is of. */
export function storageNamed(name: string): StorageConfig {
  if (name.startsWith(ADAPTER)) return { command_adapter_config: name.slice(ADAPTER.length) };
  return name.startsWith('/') ? { local_fs_dir: name } : { url: name };
}

/**
 * The settings of a storage in the one form that the rest of the code knows, from any way to write them: a URL,
 * `{"url": ...}`, `{"local_fs_dir": "/a/folder"}`, `{"type": "local", "dir": "/a/folder"}` or
 * `{"command_adapter_config": "/a/file.yaml"}`. A URL of a file names a folder; any other is written in one way, so
 * that the same storage has one name. What is none of them comes back as it is, for the parser to refuse.
 */
export function storageSettings(value: unknown): unknown {
  if (typeof value === 'string') return ofUrl(value);
  const { type, dir, url, ...others } = (value ?? {}) as Record<string, unknown>;
  if (Object.keys(others).length > 0) return value;
  if (type === 'local' && dir !== undefined && url === undefined) return { local_fs_dir: dir };
  const isUrl = typeof url === 'string' && type === undefined && dir === undefined;
  return isUrl ? ofUrl(url) : value;
}

function ofUrl(text: string): unknown {
  const dir = folderOfUrl(text);
  if (dir !== undefined) return { local_fs_dir: dir };
  const url = readStorageUrl(text);
  return { url: 'problem' in url ? text : storageUrlText(url) };
}

/** `file:///a/folder`, where a blank is `%20`; undefined for any other URL. */
function folderOfUrl(url: string): string | undefined {
  const [, path] = /^file:\/\/(?:localhost)?(\/[^?#]*)$/i.exec(url) ?? [];
  try {
    return path === undefined ? undefined : decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
