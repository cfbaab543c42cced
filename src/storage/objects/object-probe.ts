import { randomBytes } from 'node:crypto';
import { orAborted } from '../../lib/or-aborted.js';
import { StorageError, isStorageError } from '../storage-error.js';
import { OWN_FOLDER } from '../handles.js';
import { remark } from '../remarks.js';
import type { Call } from '../backend.js';
import type { ObjectStore } from './object-store.js';
import { removeLeftovers } from './object-leftovers.js';

const PROBES = `${OWN_FOLDER}/probe-`;
/** No probe takes so long. An older probe object is from a process that died. */
const OLD_MS = 60 * 60_000;

interface Trying {
  done: Promise<void>;
  /** Of all who wait for it. */
  progress: Set<() => void>;
  stop: AbortController;
}

/** Stores that passed the probe or are being probed, by their identity. */
const tried = new Map<string, Trying>();

/**
 * Checks once in each process that a store keeps files safe: it creates an object only where there is none, reads
 * back what was written, and lists it. Tries this with objects in our own folder.
 * @throws StorageError STORAGE_UNFIT naming what it lacks
 */
export async function requireFit(store: ObjectStore, { signal, progress }: Call): Promise<void> {
  const trying = tried.get(store.identity) ?? begin(store);
  trying.progress.add(progress);
  try {
    await orAborted(trying.done, signal);
  } catch (error) {
    if (isStorageError(signal.reason, 'STORAGE_STALLED')) {
      // It hangs. The store hears why it ends, as of any request that hangs, and who comes next tries it anew.
      trying.stop.abort(signal.reason);
      if (tried.get(store.identity) === trying) tried.delete(store.identity);
    }
    throw error;
  } finally {
    trying.progress.delete(progress);
  }
}

function begin(store: ObjectStore): Trying {
  const waiting = new Set<() => void>();
  // Other jobs wait for the same probe, so a cancel of one job does not stop it, and all hear that it gets on.
  const stop = new AbortController();
  const progress = () => {
    for (const hear of waiting) hear();
  };
  const done = probe(store, { signal: stop.signal, progress });
  const trying = { done, progress: waiting, stop };
  tried.set(store.identity, trying);
  trying.done.catch(() => {
    if (tried.get(store.identity) === trying) tried.delete(store.identity);
  });
  return trying;
}

async function probe(store: ObjectStore, call: Call): Promise<void> {
  await removeOld(store, call);
  const key = `${PROBES}${randomBytes(6).toString('hex')}`;
  const answer = (await tryFiles(store, key, call)) ?? (await store.probe?.(`${key}.2`, call));
  if (answer === undefined) return;
  const why = `${store.description} is not fit for backups: it ${answer}; nothing else was written. Use another store, or another version of its software`;
  throw new StorageError('STORAGE_UNFIT', '', why);
}

/** What the store does wrong. The text continues a sentence after "it". */
async function tryFiles(store: ObjectStore, key: string, call: Call): Promise<string | undefined> {
  const second = await store.upload(key, call);
  try {
    if ((await put(store, key, 'first', call)) !== 'created')
      return 'takes a free key for a taken one';
    await second.write(Buffer.from('second'));
    if ((await second.complete({ ifAbsent: true })) !== 'exists') {
      return 'overwrites an object although it was asked to create it only where there is none (a conditional create), so two writers would damage each other';
    }
    if ((await content(store, key, call)) !== 'first')
      return 'reads back other bytes than were written';
    if ((await second.complete({ ifAbsent: false })) !== 'created')
      return 'cannot replace an object';
    if ((await content(store, key, call)) !== 'second')
      return 'reads back an old object after it was replaced';
    if (!(await isListed(store, key, call))) return 'does not list an object that was just written';
    return undefined;
  } finally {
    await second.abort().catch(() => undefined);
    await removeProbe(store, key, call);
  }
}

async function put(store: ObjectStore, key: string, text: string, call: Call) {
  const upload = await store.upload(key, call);
  try {
    await upload.write(Buffer.from(text));
    return await upload.complete({ ifAbsent: true });
  } finally {
    await upload.abort();
  }
}

async function content(store: ObjectStore, key: string, call: Call): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of store.get(key, call)) parts.push(part);
  call.progress();
  return Buffer.concat(parts).toString();
}

async function isListed(store: ObjectStore, key: string, call: Call): Promise<boolean> {
  for await (const { objects } of store.list(key, { delimited: false }, call)) {
    if (objects.some((object) => object.key === key)) return true;
  }
  return false;
}

/** Removes objects of probes that died, and abandoned uploads that nobody else would find. */
async function removeOld(store: ObjectStore, call: Call): Promise<void> {
  const found: { key: string; modified: number }[] = [];
  for await (const { objects } of store.list(PROBES, { delimited: false }, call)) {
    found.push(...objects);
  }
  if (found.length > 0) {
    const now = await store.now(call);
    const old = found.filter(({ modified }) => now - modified > OLD_MS);
    for (const { key } of old) await removeProbe(store, key, call);
  }
  await removeLeftovers(store, '', 'abandoned', call);
}

/** Removes an object of a probe. Backups do not need the right to delete. */
async function removeProbe(store: ObjectStore, key: string, call: Call): Promise<void> {
  try {
    await store.remove(key, call);
  } catch (error) {
    if (!isStorageError(error, 'DENIED')) throw error;
    remark(
      `${store.description} does not let us delete: backups work without it, but abandoned files stay there`,
    );
  }
}
