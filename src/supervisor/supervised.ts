import { tell } from './in-flight.js';

const ALIVE_MS = 2_000;

/**
 * Called in the worker process: tells the supervisor every two seconds that the worker lives. A worker that
 * is stopped or in an endless loop falls silent, and the supervisor kills it.
 */
export function tellAlive(): void {
  if (!process.channel) return;
  tell({ alive: true });
  setInterval(() => tell({ alive: true }), ALIVE_MS).unref();
}

/** Called in the worker process: stops the worker in the orderly way (SIGTERM) when its supervisor is gone. */
export function stopWithParent(): void {
  const stop = () => process.kill(process.pid, 'SIGTERM');
  // The supervisor died while this code was loading, so no `disconnect` event will come.
  if (process.connected === false) return void stop();
  if (!process.channel) return;
  process.once('disconnect', stop);
  process.channel.unref(); // the channel alone must not keep this process alive
}
