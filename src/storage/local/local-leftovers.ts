import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startOf } from '../../lib/host/process-info.js';
import { isCode } from './local-errors.js';
import { OWNER } from './local-owner.js';

/** Names of unfinished files: hidden, with their owner. */
const TEMPORARY = /^\.([0-9a-f]{8})-(\d+)(?:\.(\d+))?-[0-9a-f]+\.part$/;
/** `.{start time}`, because process ids are used again. It is the same in all threads. */
const START = startTagOf(process.pid);

/** A file that nobody has written to for this long is abandoned. */
const ABANDONED_MS = 24 * 60 * 60_000;
const AGAIN_MS = 5_000;

/** A name for an unfinished file of this process. */
export function temporaryName(): string {
  return `.${OWNER}-${process.pid}${START}-${randomBytes(6).toString('hex')}.part`;
}

export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Removes an unfinished file of this process, or a folder in which it tested the storage. While the folder
 * around it is away or not writable, it tries again, because nobody else removes files of a living process.
 */
export async function removeForSure(file: string): Promise<void> {
  if (!(await isRemoved(file))) void removeLater(file);
}

/** Never throws. */
async function removeLater(file: string): Promise<void> {
  const giveUpAt = Date.now() + ABANDONED_MS; // others remove it then
  do await sleep(AGAIN_MS, undefined, { ref: false });
  while (!(await isRemoved(file)) && Date.now() < giveUpAt);
}

/** A missing file does not count as removed while its folder is missing: the folder may come back. */
async function isRemoved(file: string): Promise<boolean> {
  const folderIsThere = () =>
    stat(path.dirname(file)).then(
      () => true,
      () => false,
    );
  const wasThere = await folderIsThere();
  try {
    await rm(file, { recursive: true });
    return true;
  } catch (error) {
    return isCode(error, 'ENOENT') && wasThere && (await folderIsThere());
  }
}

/**
 * Removes unfinished files from a folder: those of dead processes beside this one, and old ones of
 * anybody; or all of them. `now` tells the time by the clock that gives the files their times, in Unix
 * milliseconds. Returns how many there were, and how many may still be written.
 */
export async function removeLeftovers(
  folder: string,
  whose: 'abandoned' | 'all',
  now: () => Promise<number>,
): Promise<{ removed: number; left: number }> {
  let removed = 0;
  let left = 0;
  let asked: Promise<number> | undefined;
  for (const name of await readdir(folder)) {
    const [, owner, pid, start] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined) continue;
    const entry = path.join(folder, name);
    // A file of a process that can be checked needs no time. Asking the store for its time costs a write.
    const isKnown = owner === OWNER && start !== undefined;
    const isDead = owner === OWNER && isOfDeadProcess(Number(pid), start);
    const isOld = async () => !isKnown && (await isAbandoned(entry, (asked ??= now())));
    if (whose === 'all' || isDead || (await isOld())) {
      await rm(entry, { recursive: true, force: true }); // a folder in which the storage was tested
      removed += 1;
    } else {
      left += 1;
    }
  }
  return { removed, left };
}

/** A process with the same id but another start time is another process. */
function isOfDeadProcess(pid: number, start: string | undefined): boolean {
  if (!isAlive(pid)) return true;
  const tag = startTagOf(pid);
  return start !== undefined && tag !== '' && tag !== `.${start}`;
}

/** Nobody counts as dead while the time is unknown. */
async function isAbandoned(entry: string, now: Promise<number>): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(entry);
    return (await now) - mtimeMs > ABANDONED_MS;
  } catch {
    return false;
  }
}

/** The start time alone is enough, because all processes of one owner belong to one boot. */
function startTagOf(pid: number): string {
  const number = startOf(pid)?.split('.').at(-1);
  return number === undefined ? '' : `.${number}`;
}
