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
  const stop = () => process.kill(process.pid, 'SIGTERM');
  // It was killed while we were being loaded: nobody will tell us any more.
  if (process.connected === false) return void stop();
  if (!process.channel) return;
  process.once('disconnect', stop);
  process.channel.unref(); // listening for the end is no reason to live on
}
