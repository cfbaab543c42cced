import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** The parts of the identity under which a worker process is known to the Temporal server. */
export interface WorkerIdentity {
  pid: number;
  host: string;
  mark: string;
}

const IDENTITY = /^(\d+)@(.+)-([0-9a-f]{8})$/;

/**
 * Makes a random mark that only one worker process has. The supervisor passes it as an argument, so the
 * process list shows whether that worker lives, wherever the program is installed.
 */
export function newMark(): string {
  return randomBytes(4).toString('hex');
}

/** `PID@HOST-MARK`. Without the mark, a worker in another container could have the same identity. */
export function workerIdentity(pid: number, mark: string): string {
  return `${pid}@${hostname()}-${mark}`;
}

/** The parts of an identity; undefined if it has no mark, such as that of a worker that is not ours. */
export function parseIdentity(identity: string): WorkerIdentity | undefined {
  const [, pid, host, mark] = IDENTITY.exec(identity) ?? [];
  if (pid === undefined || host === undefined || mark === undefined) return undefined;
  return { pid: Number(pid), host, mark };
}
