import { connect, createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Below the range from which systems take ports for outgoing connections, so that a remembered
 * port is still free when its server comes back.
 */
const LOWEST = 17_000;
const HIGHEST = 29_999;
const CONNECT_MS = 5_000;
const LET_GO_MS = 5_000;
const LOOK_MS = 50;

/** A random port of 127.0.0.1 that nobody listens on and that is not among `taken`. */
export async function choosePort(taken: readonly number[] = []): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port of 127.0.0.1 found between ${LOWEST} and ${HIGHEST}`);
}

/** The same within a few seconds: a process that dies lets go of its ports last of all. */
export async function isFreeSoon(port: number): Promise<boolean> {
  const deadline = performance.now() + LET_GO_MS;
  while (!(await isFree(port))) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether anybody accepts connections on this port of 127.0.0.1. */
export async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_MS });
    const settle = (listening: boolean) => {
      resolve(listening);
      socket.destroy();
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false)); // a stopped process whose backlog is full
    socket.on('error', () => settle(false));
  });
}
