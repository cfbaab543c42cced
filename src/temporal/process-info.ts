import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether a process runs whose command line contains `text`. A process id alone proves nothing: it
 * may have been given to another program, or belong to a dead process that nobody collected.
 */
export function runsCommandWith(pid: number, text: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(text);
    } catch {
      return false;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'args=', '-ww', '-p', `${pid}`], {
      encoding: 'utf8',
    }).includes(text);
  } catch {
    return false;
  }
}
