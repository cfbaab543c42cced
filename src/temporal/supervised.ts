import { tell } from './in-flight.js';

const ALIVE_MS = 2_000;

/** For the worker process: lets its supervisor know a stuck one, stopped or in an endless loop, by its silence. */
export function tellAlive(): void {
  if (!process.channel) return;
  tell({ alive: true });
  setInterval(() => tell({ alive: true }), ALIVE_MS).unref();
}

/** For the worker process: when its supervisor is gone, stop as if asked to. */
export function stopWithParent(): void {
  if (!process.channel) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref(); // listening for the end is no reason to live on
}
