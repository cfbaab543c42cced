import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { forEachAtOnce } from '../lib/at-once.js';
import type { BackupStorage } from '../storage/storage.js';
import { Lease } from './lease.js';
import { type Scratch, SCRATCH_FOLDER as FOLDER } from './scratch-storage.js';
import { putFile } from './stored-file.js';

/** One thing that a storage was tried for. */
export interface Check {
  what: string;
  can: 'yes' | 'no' | 'not tried';
  /** Backups cannot be made where it cannot be done. */
  needed: boolean;
  /** What was seen, or what went wrong, and what it means. */
  means: string;
}

interface Step {
  what: string;
  needed?: false;
  /** Tries it, and says what it means that it works. @throws Error that says what went wrong */
  try(): Promise<string>;
}

/** More than a page of any store. */
const MANY = 1_050;
const AT_ONCE = 16;
const LARGE_PARTS = 40;
const MEGABYTE = 1024 * 1024;
/** Requests to buckets are refused when clocks are fifteen minutes apart. */
const CLOCK_MS = 5 * 60_000;

/**
 * Tries all that backups need in a scratch storage, and removes it. What comes after a step that failed is tried, too,
 * unless nothing could be begun. @throws the reason of the signal
 */
export async function checkStorage(
  scratch: Scratch,
  tell: (check: Check) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Check[]> {
  let removed = false;
  const removal: Step = {
    what: 'remove files',
    needed: false,
    async try() {
      removed = true;
      await scratch.remove().catch((error: unknown) => {
        const why = `backups can be made all the same, but what is given up stays, and so does what was written just now`;
        throw new Error(`${why}: ${(error as Error).message}`, { cause: error });
      });
      return 'what is given up takes no room; nothing is left of this check';
    },
  };
  try {
    return await tryAll([...stepsFor(scratch.storage.withSignal(signal)), removal], tell, signal);
  } finally {
    // Of what could not be begun there may be nothing to remove.
    if (!removed) await scratch.remove().catch(() => undefined);
  }
}

async function tryAll(
  [begin, ...steps]: Step[],
  tell: (check: Check) => void,
  signal: AbortSignal | undefined,
): Promise<Check[]> {
  const checks: Check[] = [];
  const add = (check: Check) => {
    checks.push(check);
    tell(check);
  };
  const begun = await run(begin!);
  add(begun);
  for (const step of steps) {
    signal?.throwIfAborted();
    const { what, needed = true } = step;
    const means = 'nothing can be written';
    add(begun.can === 'yes' ? await run(step) : { what, can: 'not tried', needed, means });
  }
  return checks;
}

/** Whether a storage can be written to, by what it was tried for. */
export function isFit(checks: readonly Check[]): boolean {
  return checks.every(({ can, needed }) => can === 'yes' || !needed);
}

/** One more step, of whoever made the storage. */
export async function run(step: Step): Promise<Check> {
  const { what, needed = true } = step;
  try {
    return { what, can: 'yes', needed, means: await step.try() };
  } catch (error) {
    return { what, can: 'no', needed, means: (error as Error).message.split('\n')[0]! };
  }
}

function stepsFor(storage: BackupStorage): Step[] {
  return [
    {
      what: 'write into the place',
      async try() {
        await storage.begin();
        await storage.createBackup(FOLDER);
        return 'a storage can be begun here';
      },
    },
    { what: 'read back what was written', try: () => readBack(storage) },
    { what: 'create a file only where there is none', try: () => createOnce(storage) },
    { what: 'let one of several writers win', try: () => race(storage) },
    { what: 'replace a file', try: () => replace(storage) },
    { what: 'show nothing that is not finished', try: () => unfinished(storage) },
    { what: `list more than a page (${MANY} files)`, try: () => listMany(storage) },
    { what: `take a large file (${LARGE_PARTS} MiB)`, try: () => large(storage) },
    { what: 'keep a second coordinator away', try: () => leases(storage) },
    { what: 'agree on the time', try: () => clock(storage) },
  ];
}

const bytesOf = (text: string) => Buffer.from(text);

function put(storage: BackupStorage, name: string, text: string, replace = false) {
  return putFile(storage, FOLDER, name, bytesOf(text), { replace });
}

async function requireContent(storage: BackupStorage, name: string, text: string): Promise<void> {
  const stored = Buffer.from(await storage.readAll(`${FOLDER}/${name}`, 1024)).toString();
  if (stored === text) return;
  throw new Error('it reads back something else than was written: nothing could be proven here');
}

async function readBack(storage: BackupStorage): Promise<string> {
  await put(storage, 'read.bin', 'content');
  await requireContent(storage, 'read.bin', 'content');
  const stat = await storage.stat(`${FOLDER}/read.bin`);
  if (stat?.bytes !== 7n) throw new Error('it does not tell the size of a file');
  const same = await storage.stat(`${FOLDER}/read.bin`);
  if (same?.stamp !== stat.stamp) {
    throw new Error('it marks an unchanged file anew at each look: a verification reads it all');
  }
  return 'a verification skips what has not changed since';
}

async function createOnce(storage: BackupStorage): Promise<string> {
  await put(storage, 'once.bin', 'first');
  for (const text of ['second', 'third']) {
    if ((await put(storage, 'once.bin', text)).outcome === 'exists') continue;
    throw new Error('a second writer replaces the file of the first: two hosts would damage it');
  }
  await requireContent(storage, 'once.bin', 'first');
  return 'two hosts cannot overwrite each other';
}

async function race(storage: BackupStorage): Promise<string> {
  const writers = Array.from({ length: 8 }, (_, i) => put(storage, 'race.bin', `writer ${i}`));
  const outcomes = await Promise.all(writers);
  const won = outcomes.filter(({ outcome }) => outcome === 'created').length;
  if (won !== 1) throw new Error(`${won} of 8 writers were told that they made the same file`);
  return 'of 8 at once, one made the file';
}

async function replace(storage: BackupStorage): Promise<string> {
  await put(storage, 'new.bin', 'old');
  const before = await storage.stat(`${FOLDER}/new.bin`);
  await put(storage, 'new.bin', 'new', true);
  await requireContent(storage, 'new.bin', 'new');
  const after = await storage.stat(`${FOLDER}/new.bin`);
  if (before?.stamp !== after?.stamp) return 'a change is seen at once';
  throw new Error('it marks a changed file like the one before: a verification would skip it');
}

async function unfinished(storage: BackupStorage): Promise<string> {
  const writer = await storage.createFile(FOLDER, 'half.bin');
  await writer.write(bytesOf('half'));
  const seen = await storage.stat(writer.handle);
  await writer.discard();
  if (seen ?? (await storage.stat(writer.handle))) {
    throw new Error('a file that is not finished is visible');
  }
  const { left } = await storage.removeLeftovers(FOLDER, 'all');
  if (left > 0) throw new Error('what is left of an upload that was given up cannot be removed');
  return 'and nothing is left of an upload that was given up';
}

async function listMany(storage: BackupStorage): Promise<string> {
  const names = Array.from({ length: MANY }, (_, i) => `many-${i}.bin`);
  await forEachAtOnce(AT_ONCE, names, async (name) => void (await put(storage, name, name)));
  const listed = new Set((await storage.listFolder(FOLDER)).map(({ handle }) => handle));
  const lost = names.filter((name) => !listed.has(`${FOLDER}/${name}`)).length;
  if (lost > 0) throw new Error(`the listing lacks ${lost} of ${MANY} files`);
  return 'all pages come, and show what was written just now';
}

async function large(storage: BackupStorage): Promise<string> {
  const part = randomBytes(MEGABYTE);
  const [sent, read] = [createHash('sha256'), createHash('sha256')];
  const started = performance.now();
  const writer = await storage.createFile(FOLDER, 'large.bin');
  try {
    for (let i = 0; i < LARGE_PARTS; i += 1) {
      part.writeUInt32BE(i);
      sent.update(part);
      await writer.write(part);
    }
    await writer.publish();
  } finally {
    await writer.discard();
  }
  const written = performance.now();
  for await (const bytes of storage.read(writer.handle)) read.update(bytes);
  const ended = performance.now();
  if (sent.digest('hex') !== read.digest('hex')) {
    throw new Error('a large file reads back otherwise than it was written');
  }
  const rate = (ms: number) => `${((LARGE_PARTS * 1000) / ms).toFixed(0)} MiB/s`;
  return `written at ${rate(written - started)}, read at ${rate(ended - written)}`;
}

async function leases(storage: BackupStorage): Promise<string> {
  await putFile(storage, await storage.createBackup('aptos-backup'), 'check.json', bytesOf('{}'));
  const lease = (owner: string) =>
    new Lease(storage, 'coordinator', { owner, host: hostname(), workflow: 'check' });
  const [one, other] = [lease('one'), lease('other')];
  if (await one.claim()) throw new Error('a free storage cannot be claimed');
  if ((await other.claim())?.owner !== 'one') throw new Error('two coordinators have the storage');
  if (await one.renew()) throw new Error('a claim is lost without reason');
  await one.release();
  if (await other.claim()) throw new Error('a storage that was let go cannot be claimed');
  return 'one coordinator at a time, over all hosts';
}

async function clock(storage: BackupStorage): Promise<string> {
  const before = Date.now();
  const now = await storage.now();
  const apart = Math.abs(now - (before + Date.now()) / 2);
  const seconds = `${(apart / 1000).toFixed(1)} s`;
  if (apart < CLOCK_MS) return `its clock and ours are ${seconds} apart`;
  throw new Error(`its clock and ours are ${seconds} apart: set the clock of this host`);
}
