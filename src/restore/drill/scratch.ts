import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeBytes } from '../../lib/host/free-bytes.js';
import { startOf } from '../../lib/host/process-info.js';
import { DrillError } from './drill-error.js';

const HOLDER = 'holder.json';
const PREFIX = 'aptos-backup-drill-';
const USED_HERE = 'is used by another drill of this process';
const USED_ELSEWHERE = 'is used by another drill, of process';
const LOOK_MS = 2_000;
const DAY_MS = 86_400_000;
/** Folders that this process works in. */
const inUse = new Set<string>();

/** The folder of one drill: the new database, and what the tool keeps beside it. One for each storage. */
export interface Scratch {
  dir: string;
  dbDir: string;
  cacheDir: string;
  temporaryDir: string;
  adapterFile: string;
}

/** How a drill waits for another one of the same storage on its host: a scheduled one, or one by the command. */
interface Turn {
  signal: AbortSignal;
  /** Called when the wait begins. */
  onWait: () => void;
  /** @default a day: who holds the folder for longer may have failed to remove it */
  mostMs?: number;
}

/** What must be free on the disk before a drill begins. */
interface Room {
  /** What the restore needs, if that is known. */
  bytes?: number | undefined;
  /** What must be left to others: a tool that leaves less is ended. */
  spare: number;
}

/**
 * Makes the folder of a drill anew, below `parent`, when it is its turn. Removes what an earlier drill left there, and
 * checks that there is room. @throws DrillError DRILL_SCRATCH_TAKEN, DRILL_NO_ROOM; AbortError
 */
export async function makeScratch(
  parent: string,
  storageId: string,
  room: Room,
  turn: Turn,
): Promise<Scratch> {
  const dir = folderOf(parent, storageId);
  await claim(dir, turn);
  try {
    await mkdir(parent, { recursive: true }).catch((error: unknown) => {
      throw cannotMake(parent, error);
    });
    await clear(dir);
    await requireRoom(parent, room);
    await mkdir(dir).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw isTaken(`${dir} was made by another drill just now`);
      throw cannotMake(dir, error);
    });
  } catch (error) {
    inUse.delete(dir); // it is not ours
    throw error;
  }
  const scratch = {
    dir,
    dbDir: path.join(dir, 'db'),
    cacheDir: path.join(dir, 'cache'),
    temporaryDir: path.join(dir, 'tmp'),
    adapterFile: path.join(dir, 'adapter.yaml'),
  };
  try {
    await writeFile(path.join(dir, HOLDER), JSON.stringify(ourselves()));
    for (const one of [scratch.dbDir, scratch.cacheDir, scratch.temporaryDir]) await mkdir(one);
    return scratch;
  } catch (error) {
    await removeScratch(scratch).catch(() => undefined); // else the next drill removes it
    throw cannotMake(dir, error);
  }
}

/**
 * Waits until nobody holds a folder, and holds it in this process from then on: two that wait never both get it.
 * @throws DrillError DRILL_SCRATCH_TAKEN, DRILL_NO_ROOM; AbortError
 */
async function claim(dir: string, { signal, onWait, mostMs = DAY_MS }: Turn): Promise<void> {
  const begun = performance.now();
  for (let waits = false; ; waits = true) {
    const names = await namesIn(dir).catch((error: unknown) => {
      throw cannotMake(dir, error); // its parent is a file, or we may not look into it
    });
    const holder = await holderOf(dir, names);
    const taken = inUse.has(dir) ? USED_HERE : holder;
    if (taken === undefined) {
      inUse.add(dir);
      return;
    }
    const mayEnd = taken === USED_HERE || taken.startsWith(USED_ELSEWHERE);
    if (!mayEnd || performance.now() - begun >= mostMs) throw isTaken(`${dir} ${taken}`);
    if (!waits) onWait();
    await sleep(LOOK_MS, undefined, { signal });
  }
}

function cannotMake(folder: string, error: unknown): DrillError {
  const why = `the scratch folder ${folder} cannot be made (${codeOf(error)})`;
  return new DrillError('DRILL_NO_ROOM', `${why}; give another one with --scratch`);
}

function isTaken(why: string): DrillError {
  return new DrillError('DRILL_SCRATCH_TAKEN', `${why}; give another folder with --scratch`);
}

/** Removes the folder of a drill that this process made. What cannot be removed is not in use any more, either. */
export async function removeScratch({ dir }: Scratch): Promise<void> {
  try {
    await remove(dir);
  } finally {
    inUse.delete(dir);
  }
}

/** Removes what a dead worker left of a drill. @throws DrillError DRILL_SCRATCH_TAKEN, DRILL_NO_ROOM */
export async function removeLeftScratch(parent: string, storageId: string): Promise<void> {
  const dir = folderOf(parent, storageId);
  await claim(dir, { signal: new AbortController().signal, onWait: () => undefined, mostMs: 0 });
  await clear(dir).finally(() => inUse.delete(dir));
}

/** Bytes of all files in a folder, as they are on the disk. */
export async function diskUse(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { blocks } = await stat(path.join(entry.parentPath, entry.name)).catch(() => {
      return { blocks: 0 }; // removed meanwhile
    });
    bytes += blocks * 512;
  }
  return bytes;
}

function folderOf(parent: string, storageId: string): string {
  return path.join(parent, `${PREFIX}${storageId}`);
}

async function clear(dir: string): Promise<void> {
  await remove(dir).catch((error: unknown) => {
    throw isTaken(`${dir} was left by a drill and cannot be removed (${codeOf(error)})`);
  });
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
}

/** Which other process holds a folder, as the end of a sentence; undefined: none that lives. */
async function holderOf(dir: string, names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0) return undefined;
  if (!names.includes(HOLDER)) return `holds files, but no ${HOLDER}: it is not ours`;
  const text = await readFile(path.join(dir, HOLDER), 'utf8').catch(() => '');
  const [, pid, start] = /^\{"pid":(\d+),"start":"([^"]*)"\}$/.exec(text) ?? [];
  // What this process holds is in use, or it could not remove it.
  const isOurs = Number(pid) === process.pid && start === ourselves().start;
  const lives = pid !== undefined && !isOurs && startOf(Number(pid)) === start;
  return lives ? `${USED_ELSEWHERE} ${pid}` : undefined;
}

/** This process; the id alone may belong to another program later. */
function ourselves(): { pid: number; start: string } {
  return { pid: process.pid, start: startOf(process.pid) ?? '' };
}

/** The holder goes last: what a removal leaves that was cut off is still known as ours. */
async function remove(dir: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 5 };
  for (const name of await namesIn(dir)) {
    if (name !== HOLDER) await rm(path.join(dir, name), options);
  }
  await rm(dir, options);
}

async function requireRoom(parent: string, { bytes, spare }: Room): Promise<void> {
  const free = await freeBytes(parent);
  if (free >= (bytes ?? 0) + spare) return;
  const gigabytes = (count: number) => `${(count / 1e9).toFixed(1)} GB`;
  const needs = bytes === undefined ? '' : `the restore needs about ${gigabytes(bytes)}, `;
  const why = `${needs}${gigabytes(spare)} must be left to others on the disk, and ${parent} has ${gigabytes(free)} free`;
  throw new DrillError('DRILL_NO_ROOM', `${why}; give a folder with more room with --scratch`);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
