import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

const PRELOAD = pathToFileURL(join(import.meta.dirname, 'hung-files.mjs')).href;
const RELEASE_MS = 20;

/** Where a file system misbehaves: a function of `fs.promises` or of its file handles, and a path. */
export interface FileFault {
  call: 'open' | 'write' | 'sync' | 'link' | 'rename' | 'readdir' | 'lstat' | 'realpath' | 'mkdir';
  /** Regular expression. For a renamed or linked file, it must match the new path. */
  path: string;
  /** Only in the threads that move chunks. */
  inThread?: true;
}

/** The file system of processes that are started with `env`: hangs, or kills them, on command. */
export function hungFiles() {
  const folder = temporaryFolder('hung');
  const control = join(folder, 'control.json');
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const say = (fault: object) => {
    writeFileSync(`${control}.new`, JSON.stringify(fault));
    renameSync(`${control}.new`, control);
  };
  let releasing: NodeJS.Timeout | undefined;
  onTestFinished(() => {
    clearInterval(releasing);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    env: { NODE_OPTIONS: `--import ${PRELOAD}`, HUNG_FILES: control },
    /** From now on, such calls hang in the kernel. */
    hang(fault: FileFault): void {
      clearInterval(releasing);
      say({ ...fault, do: 'hang', fifo });
    },
    /** A process dies right before its n-th such call. */
    kill(fault: FileFault, nth: number): void {
      say({ ...fault, do: 'kill', nth });
    },
    /** Releases all hanging calls and stops the fault. */
    release(): void {
      rmSync(control, { force: true });
      releasing = setInterval(() => {
        try {
          closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
        } catch {
          // nobody waits
        }
      }, RELEASE_MS);
    },
  };
}
