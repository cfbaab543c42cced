import { abortable } from '../client/calls.js';
import { dataFolder } from '../lib/host/data-folder.js';
import { orAborted } from '../lib/or-aborted.js';
import { type TemporalSession, openTemporal } from '../temporal-server/open-temporal.js';
import { Interrupted } from '../client/command-failure.js';
import type { CommonFlags } from './options.js';
import { say } from './say.js';

export { leaveServersAtOnce } from '../temporal-server/embedded.js';

const NOT_OURS = 'this user may not write there: run it as the owner of that folder';
/** What to do about an error of the file system. */
const TO_DO: Readonly<Record<string, string>> = {
  EACCES: NOT_OURS,
  EPERM: NOT_OURS,
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full: make room',
  EDQUOT: 'the quota is used up: make room',
  ENOTDIR: 'a part of the path is not a folder',
};

/**
 * Opens the Temporal server that a command works with. This may take minutes; an abort ends it at once.
 * @throws Interrupted, TemporalError
 */
export async function openSession(
  { dataDir }: CommonFlags,
  signal: AbortSignal,
  options: Pick<Parameters<typeof openTemporal>[0], 'env' | 'meanwhile'> = {},
): Promise<TemporalSession> {
  const folder = dataFolder(dataDir);
  try {
    return await openTemporal({ dataFolder: folder, say, signal, ...options });
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted while the Temporal server was starting');
    throw withAdvice(error, folder);
  }
}

/** An error of the file system that names a path is one of the data folder. */
function withAdvice(error: unknown, folder: string): unknown {
  const { code = '', path, message } = error as NodeJS.ErrnoException;
  const todo = TO_DO[code];
  if (path === undefined || todo === undefined) return error;
  const why = `the data folder ${folder} cannot be used (${message}): ${todo}, or name another one with --data-dir`;
  return new Error(why, { cause: error });
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
    return await answerOf(session, signal, () => ask(session));
  } finally {
    await session.close();
  }
}

/** What `ask` learns from the server of a session. @throws Interrupted as soon as the signal aborts, what `ask` throws */
export async function answerOf<R>(
  { client }: TemporalSession,
  signal: AbortSignal,
  ask: () => Promise<R>,
): Promise<R> {
  try {
    return await orAborted(abortable(client, signal, ask), signal);
  } catch (error) {
    throw signal.aborted ? new Interrupted('interrupted before an answer came') : error;
  }
}
