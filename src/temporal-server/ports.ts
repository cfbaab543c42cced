import { connect, createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Operating systems take ports for outgoing connections from a range above this one. So no connection
 * occupies the remembered port while its server is restarted.
 */
const LOWEST = 17_000;
const HIGHEST = 29_999;
const CONNECT_MS = 5_000;
/** A dying process frees its ports last; a restart waits so long for that. */
const PORT_FREED_MS = 5_000;
const LOOK_MS = 50;

/**
 * A port is taken only some time after it was chosen. So processes that choose at the same time mostly look in different
 * parts of the range, and none chooses its last ports again.
 */
const PART = 200;
const MOST_CHOSEN = 50;
const TRIES = 200;
const chosen: number[] = [];

/** A random free port of 127.0.0.1. @throws Error if none is found */
export async function choosePort(): Promise<number> {
  const parts = Math.floor((HIGHEST - LOWEST + 1) / PART);
  const first = LOWEST + (process.pid % parts) * PART;
  for (let tries = 0; tries < 2 * TRIES; tries += 1) {
    const port = tries < TRIES ? randomInt(first, first + PART) : randomInt(LOWEST, HIGHEST + 1);
    if (chosen.includes(port)) continue;
    chosen.push(port);
    chosen.splice(0, chosen.length - MOST_CHOSEN);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port of 127.0.0.1 found between ${LOWEST} and ${HIGHEST}`);
}

/** Whether a port is free now or becomes free within five seconds. */
export async function isFreeSoon(port: number): Promise<boolean> {
  const deadline = performance.now() + PORT_FREED_MS;
  while (!(await isFree(port))) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
  return true;
}

/** Whether we can listen on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether a process accepts connections on this port of 127.0.0.1. */
export async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_MS });
    const settle = (listening: boolean) => {
      resolve(listening);
      socket.destroy();
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false)); // a stopped process with a full backlog
    socket.on('error', () => settle(false));
  });
}
