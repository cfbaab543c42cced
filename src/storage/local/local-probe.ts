import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import path from 'node:path';
import { StorageError, isStorageError } from '../storage-error.js';
import { storeNow } from './local-clock.js';
import { isCode, localWriteError, mayPass, nameOf } from './local-errors.js';
import { removeForSure, removeLeftovers, temporaryName } from './local-leftovers.js';
import { moveIfAbsent } from './local-move.js';
import { syncFile, syncFolder } from './local-sync.js';
import { remark } from '../remarks.js';

interface Place {
  folder: string;
  description: string;
}

interface Trying {
  done: Promise<void>;
  /** Of all who wait for it. */
  progress: Set<() => void>;
}

/** Folders that were found fit or are being tested, by path and by what is mounted there. */
const tried = new Map<string, Trying>();

/**
 * Tests, once for each process and mount, whether a folder can do what keeps files safe. It works in a
 * hidden folder with the name of an unfinished file, so that a later tidying removes it if this process
 * dies.
 * @throws StorageError STORAGE_UNFIT naming what it lacks
 */
export async function requireFit(place: Place, progress?: () => void): Promise<void> {
  const { folder } = place;
  try {
    const mount = await mountOf(folder);
    const key = `${mount} ${folder}`;
    const trying = tried.get(key) ?? begin(place, mount, key);
    if (progress) trying.progress.add(progress);
    await trying.done.finally(() => progress && trying.progress.delete(progress));
  } catch (error) {
    throw await localWriteError(error, '', `cannot write into ${folder}`, folder);
  }
}

/** Other jobs wait for the same test, and all hear that it gets on. */
function begin(place: Place, mount: string, key: string): Trying {
  const waiting = new Set<() => void>();
  const progress = () => {
    for (const hear of waiting) hear();
  };
  const trying = { done: probeTwice(place, mount, progress), progress: waiting };
  tried.set(key, trying);
  trying.done.catch(() => tried.delete(key));
  return trying;
}

/**
 * Tests a second time after a failure, because a mount that errs now and then must not be refused for
 * ever.
 */
async function probeTwice(place: Place, mount: string, progress?: () => void): Promise<void> {
  try {
    await probe(place, mount, progress);
  } catch (error) {
    if (!isStorageError(error, 'STORAGE_UNFIT')) throw error;
    await probe(place, mount, progress);
  }
}

async function probe(place: Place, mount: string, progress?: () => void): Promise<void> {
  const folder = path.join(place.folder, temporaryName());
  await removeLeftovers(place.folder, 'abandoned', () => storeNow(place.folder));
  await mkdir(folder); // a folder that cannot be written to at all is not unfit
  const step: Step = async (what, action) => {
    let answer: string | undefined;
    try {
      answer = await action();
    } catch (error) {
      const cause = error instanceof StorageError ? error.cause : error;
      if (mayPass(cause) || (await mountOf(place.folder)) !== mount) {
        const said = `${place.description} cannot ${what}`;
        throw await localWriteError(cause, '', said, place.folder);
      }
      answer = nameOf(cause) || (cause as Error).message;
    }
    progress?.();
    if (answer === undefined) return;
    const why = `${place.description} is not fit for backups: it cannot ${what} (${answer}); nothing was written. Use another folder, or mount this one with other options`;
    throw new StorageError('STORAGE_UNFIT', '', why);
  };
  try {
    await tryFiles(folder, step);
    await step('remove a folder', async () => void (await rmdir(folder)));
  } finally {
    await removeForSure(folder);
  }
  const answer = await syncFolder(place.folder);
  if (answer === undefined) return;
  remark(
    `${place.description}: its folders cannot be synced (${answer}); what was stored last may be gone when the host or the file server loses power`,
  );
}

/** Identifies the folder and its file system. */
async function mountOf(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  return `${dev} ${ino}`;
}

/** Runs an action. The action returns what went wrong; undefined: nothing. */
type Step = (what: string, action: () => Promise<string | undefined>) => Promise<void>;

/** Tries everything that storing a file needs. */
async function tryFiles(folder: string, step: Step): Promise<void> {
  const name = (number: number) => path.join(folder, `${number}.probe`);
  const holds = async (number: number, content: string) =>
    (await readFile(name(number), 'utf8')) === content ? undefined : 'it reads back something else';

  await step('create a file', () => put(name(1), ''));
  await step('create a file only where there is none', async () => {
    try {
      await put(name(1), 'twice');
      return 'it did twice';
    } catch (error) {
      if (isCode(error, 'EEXIST')) return undefined;
      throw error;
    }
  });
  await step('remove a file', async () => {
    await rm(name(1));
    return (await readdir(folder)).length === 0 ? undefined : 'it is still there';
  });
  await step('write a file', async () => {
    await put(name(2), 'first');
    return holds(2, 'first');
  });
  await step('sync a file', () => put(name(3), 'second', syncFile));
  await step('rename a file', async () => {
    await rename(name(2), name(4));
    return holds(4, 'first');
  });
  await step('rename a file over another', async () => {
    await rename(name(3), name(4));
    return holds(4, 'second');
  });
  await step('name a file only where the name is free', async () => {
    if (!(await moveIfAbsent(name(4), name(5)))) return 'a free name was taken';
    await put(name(6), 'third');
    if (await moveIfAbsent(name(6), name(5))) return 'a taken name was free';
    return holds(5, 'second');
  });
  await step('list a folder', async () => {
    const listed = (await readdir(folder)).sort().map((each) => path.join(folder, each));
    if (listed.join() !== [name(5), name(6)].join()) return 'it lists something else';
    await rm(name(5));
    await rm(name(6));
    return undefined;
  });
}

/** Writes a small file that must not exist yet. */
async function put(
  file: string,
  content: string,
  before: (handle: FileHandle, file: string) => Promise<void> = () => Promise.resolve(),
): Promise<undefined> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(content);
    await before(handle, file);
  } finally {
    await handle.close();
  }
}
