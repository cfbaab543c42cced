import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A worker process of this release, by what the Temporal server knows it by. */
export interface WorkerIdentity {
  pid: number;
  host: string;
  mark: string;
}

const IDENTITY = /^(\d+)@(.+)-([0-9a-f]{8})$/;

/**
 * Tells a worker process from every other one. Its supervisor gives it as an argument, so that the list
 * of processes shows who lives, in whatever folder the program is.
 */
export function newMark(): string {
  return randomBytes(4).toString('hex');
}

/** `process id@host-mark`: process id and host alone may be those of a worker in another container. */
export function workerIdentity(pid: number, mark: string): string {
  return `${pid}@${hostname()}-${mark}`;
}

/** Undefined for a worker that has no mark. */
export function parseIdentity(identity: string): WorkerIdentity | undefined {
  const [, pid, host, mark] = IDENTITY.exec(identity) ?? [];
  if (pid === undefined || host === undefined || mark === undefined) return undefined;
  return { pid: Number(pid), host, mark };
}
