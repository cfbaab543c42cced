import { abortable } from '../client/calls.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { orAborted } from '../lib/or-aborted.js';
import { type TemporalSession, openTemporal } from '../temporal-server/open-temporal.js';
import { Interrupted } from '../client/command-failure.js';
import type { CommonFlags } from './options.js';
import { say } from './say.js';

/**
 * Opens the Temporal server that a command works with. This may take minutes; an abort ends it at once.
 * @throws Interrupted, TemporalError
 */
export async function openSession(
  { dataDir }: CommonFlags,
  signal: AbortSignal,
  options: Pick<Parameters<typeof openTemporal>[0], 'env' | 'meanwhile'> = {},
): Promise<TemporalSession> {
  try {
    return await openTemporal({ dataFolder: dataFolder(dataDir), say, signal, ...options });
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted while the Temporal server was starting');
    throw error;
  }
}

/**
 * Asks the Temporal server of a command, and leaves it again. An abort ends the waiting for an answer at once.
 * @throws Interrupted, TemporalError, what `ask` throws
 */
export async function withSession<R>(
  flags: CommonFlags,
  signal: AbortSignal,
  ask: (session: TemporalSession) => Promise<R>,
): Promise<R> {
  const session = await openSession(flags, signal);
  try {
    const asking = abortable(session.client, signal, () => ask(session));
    return await orAborted(asking, signal);
  } catch (error) {
    throw signal.aborted ? new Interrupted('interrupted before an answer came') : error;
  } finally {
    await session.close();
  }
}
