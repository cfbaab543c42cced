import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** Whether a process with this id exists, whatever program it runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether process `pid` runs and has the argument `text` on its command line. The id alone proves nothing: it may
 * belong to another program by now, or to a zombie.
 */
export function runsCommandWith(pid: number, text: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') return commandOf(`${pid}`).split('\0').includes(text);
  try {
    return psOutput(['-o', 'args=', '-ww', '-p', `${pid}`]).includes(text);
  } catch {
    return false;
  }
}

/** All visible processes with their command lines. */
export function allProcesses(): { pid: number; command: string }[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => ({ pid: Number(pid), command: commandOf(pid).replaceAll('\0', ' ') }));
  }
  return psOutput(['-axww', '-o', 'pid=', '-o', 'args='])
    .split('\n')
    .map((line) => /^\s*(\d+) (.*)$/.exec(line))
    .flatMap((found) => (found ? [{ pid: Number(found[1]), command: found[2]! }] : []));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // the process has ended meanwhile
  }
}

/**
 * The start time of a process, as a text that differs for every later process with the same id. Undefined for a
 * zombie, and when the time cannot be read.
 */
export function startOf(pid: number): string | undefined {
  try {
    return process.platform === 'linux' ? ticksSinceBoot(pid) : secondsSinceEpoch(pid);
  } catch {
    return undefined;
  }
}

function ticksSinceBoot(pid: number): string | undefined {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Before these fields comes the program's name, in brackets; it may contain spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0]!, fields[19]!];
  return 'ZX'.includes(state) ? undefined : `${boot}.${ticks}`;
}

function secondsSinceEpoch(pid: number): string | undefined {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const args = ['-o', 'stat=', '-o', 'lstart=', '-p', `${pid}`];
  const [, state, start] = /^(\S+)\s+(.*)$/.exec(psOutput(args, env).trim()) ?? [];
  const at = Date.parse(`${start} UTC`);
  return state === undefined || state.startsWith('Z') || Number.isNaN(at)
    ? undefined
    : `${at / 1000}`;
}

function psOutput(args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync('ps', args, { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 });
}
