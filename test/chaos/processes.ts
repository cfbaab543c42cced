import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../../src/lib/host/process-info.js';

/** Whether a process runs. A dead one that only waits to be collected does not count. */
export function runs(pid: number): boolean {
  return isAlive(pid) && !/^State:\s+Z/m.test(proc(pid, 'status'));
}

/** Processes, other than this one, that have `folder` in their command line or environment. */
export function processesOf(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => `${proc(pid, 'cmdline')}${proc(pid, 'environ')}`.includes(folder) && runs(pid))
    .map((pid) => ({ pid, command: proc(pid, 'cmdline').replaceAll('\0', ' ').trim() }));
}

/** Sends a signal. Returns whether a process got it. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Sends kill -9 and waits until the process is gone. */
export async function killHard(pid: number): Promise<boolean> {
  if (!signal(pid, 'SIGKILL')) return false;
  while (runs(pid)) await sleep(5);
  return true;
}

export function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(proc(pid, 'status'));
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // gone, or not ours to read
  }
}
