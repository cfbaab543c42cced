import { Interrupted } from '../client/command-failure.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { type CommonFlags, chunkWorkerCount } from './options.js';
import { openWithWorkers, tellWithoutWorkers } from './own-workers.js';
import { say } from './say.js';

const AGAIN = 'run the same command again to go on';

/**
 * Does the work of a command at a Temporal server: at the one that the environment names, which has its own workers,
 * or at that of the data folder, with workers that end with the command. `left` aborts when the command is interrupted,
 * and when `work` is over. `elsewhere` says what becomes of interrupted work at a server that the environment names.
 * @throws Interrupted, TemporalError, what `work` throws
 */
export async function atServer<R>(
  flags: CommonFlags,
  signal: AbortSignal,
  work: (session: TemporalSession, left: AbortSignal) => Promise<R>,
  elsewhere = AGAIN,
): Promise<R> {
  const chunkWorkers = chunkWorkerCount();
  const { session, workers } = await openWithWorkers(flags, signal, { chunkWorkers, say });
  // Open calls would otherwise try again on a closed connection.
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal.addEventListener('abort', leave);
  try {
    await tellWithoutWorkers(session, signal);
    return await work(session, leaving.signal);
  } catch (error) {
    if (!signal.aborted || error instanceof Interrupted) throw error; // nothing was begun
    throw new Interrupted(`interrupted; ${session.embedded ? AGAIN : elsewhere}`);
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
    await workers?.stop();
    await session.close();
  }
}
