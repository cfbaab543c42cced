import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCode } from './local-errors.js';
import { OWNER } from './local-owner.js';

/** Files on their way in: hidden, and telling whose they are. */
const TEMPORARY = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]+\.part$/;

/** One that nobody has written to for so long is left over: clocks may differ by less. */
const ABANDONED_MS = 24 * 60 * 60_000;
const AGAIN_MS = 5_000;

/** A name for a file of this process that is on its way. */
export function temporaryName(): string {
  return `.${OWNER}-${process.pid}-${randomBytes(6).toString('hex')}.part`;
}

/**
 * Removes a file of this process that is on its way. While its folder is away or cannot be written to
 * it is tried again: nobody else removes what a living process may be writing.
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

/** A file that is not there may have gone with its folder, which may come back. */
async function isRemoved(file: string): Promise<boolean> {
  const folderIsThere = () =>
    stat(path.dirname(file)).then(
      () => true,
      () => false,
    );
  const wasThere = await folderIsThere();
  try {
    await rm(file);
    return true;
  } catch (error) {
    return isCode(error, 'ENOENT') && wasThere && (await folderIsThere());
  }
}

/**
 * Removes what was left half-written in a folder: by processes beside this one that are dead now, and
 * by anybody when it is old; or all of it. Says how many there were, and how many may still be written to.
 */
export async function removeLeftovers(
  folder: string,
  whose: 'abandoned' | 'all',
): Promise<{ removed: number; left: number }> {
  let removed = 0;
  let left = 0;
  for (const name of await readdir(folder)) {
    const [, owner, pid] = TEMPORARY.exec(name) ?? [];
    if (pid === undefined) continue;
    const file = path.join(folder, name);
    const isDead = owner === OWNER && (await isOfDeadProcess(file, Number(pid)));
    if (whose === 'all' || isDead || (await isAbandoned(file))) {
      await rm(file, { force: true });
      removed += 1;
    } else {
      left += 1;
    }
  }
  return { removed, left };
}

async function isOfDeadProcess(file: string, pid: number): Promise<boolean> {
  return !isAlive(pid) || (await isOlderThanUs(file, pid));
}

async function isAbandoned(file: string): Promise<boolean> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > ABANDONED_MS;
}

/** A process id is given again, maybe to us. */
async function isOlderThanUs(file: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return false;
  const started = Date.now() - process.uptime() * 1000;
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
  return mtimeMs < started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}
